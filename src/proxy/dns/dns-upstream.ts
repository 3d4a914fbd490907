/** Asks name servers inside the tunnel, and checks that a response belongs to its query. */
import type { Clock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import type { DatagramDialer } from '../datagram-dialer.js';
import { type Dialer, DialError, type DialTarget } from '../dialer.js';
import { askByTcp } from './ask-by-tcp.js';
import { type DnsQuery, isResponseTo, isTruncated, RCODE, rcodeOf, withId } from './dns-message.js';

export const DNS_PORT = 53;

export interface DnsUpstreamOptions {
  /** IP addresses in text form, in the order in which they are asked. */
  readonly servers: readonly string[];
  readonly datagrams: DatagramDialer;
  /** Dials IP addresses, for responses that do not fit into a datagram. */
  readonly streams: Dialer;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export interface AskOptions {
  /** The timeout of each attempt in milliseconds; the servers take turns. */
  readonly attempts: readonly number[];
  /** Whether to repeat the query over TCP if the response is truncated. */
  readonly wholeOnly: boolean;
  readonly signal?: AbortSignal | undefined;
}

export type DnsOutcome =
  | {
      readonly kind: 'response';
      /** The response with the ID of the query; otherwise as the server sent it. */
      readonly bytes: Uint8Array;
      readonly server: string;
      readonly via: 'udp' | 'tcp';
      /** How long the server took, in milliseconds. */
      readonly duration: number;
    }
  /** No server responded; each with the reason. */
  | { readonly kind: 'silent'; readonly failures: ReadonlyMap<string, string> };

type Response = Extract<DnsOutcome, { kind: 'response' }>;

const SILENT = 'does not answer';
const SILENT_BY_TCP = 'does not answer over TCP';

/** The failures that concern one server; after other failures, no server can be asked. */
const SERVER_FAILURES: ReadonlyMap<string, string> = new Map([
  ['no-route', 'is outside the allowed IPs'],
  ['refused', 'does not accept DNS queries'],
  ['unreachable', 'is unreachable'],
  ['timeout', SILENT],
]);

/** The response codes after which another server may know more. */
const OTHERS_MAY_KNOW = new Set<number>([RCODE.serverFailure, RCODE.notImplemented, RCODE.refused]);

export class DnsUpstream {
  readonly #options: DnsUpstreamOptions;

  constructor(options: DnsUpstreamOptions) {
    this.#options = options;
  }

  /**
   * Asks the servers until one responds. Prefers a response without an error of the server.
   *
   * @throws DialError if the tunnel cannot send queries; the abort reason
   */
  async ask(query: DnsQuery, { attempts, wholeOnly, signal }: AskOptions): Promise<DnsOutcome> {
    const { servers } = this.#options;
    const failures = new Map<string, string>();
    let worse: Response | undefined;
    for (const [attempt, timeout] of attempts.entries()) {
      const server = servers[attempt % servers.length];
      if (server === undefined || (worse !== undefined && attempt >= servers.length)) break;
      const outcome = await this.#askServer(server, query, { timeout, wholeOnly, signal });
      if (typeof outcome === 'string') failures.set(server, outcome);
      else if (OTHERS_MAY_KNOW.has(rcodeOf(outcome.bytes))) worse ??= outcome;
      else return outcome;
    }
    return worse ?? { kind: 'silent', failures };
  }

  /** Returns the server's response, or why it has none. */
  async #askServer(
    host: string,
    query: DnsQuery,
    { timeout, wholeOnly, signal }: { timeout: number } & Omit<AskOptions, 'attempts'>,
  ): Promise<Response | string> {
    const { clock } = this.#options;
    const target = { host, port: DNS_PORT };
    const began = clock.now();
    const responded = (bytes: Uint8Array, via: 'udp' | 'tcp'): Response => ({
      kind: 'response',
      bytes: withId(bytes, query.id),
      server: host,
      via,
      duration: clock.now() - began,
    });
    try {
      const short = await this.#askByDatagram(target, query, began + timeout, signal);
      if (short === undefined) return SILENT;
      if (short !== 'too-long' && !(wholeOnly && isTruncated(short))) {
        return responded(short, 'udp');
      }
      const whole = await this.#askByTcp(target, query, timeout, signal);
      return whole === undefined ? SILENT_BY_TCP : responded(whole, 'tcp');
    } catch (error) {
      const failure = error instanceof DialError ? SERVER_FAILURES.get(error.reason) : undefined;
      if (failure === undefined) throw error;
      return failure;
    }
  }

  /**
   * Each query has its own channel, and therefore a random port, and a random ID, so that responses
   * are hard to forge (RFC 5452 9.2).
   */
  async #askByDatagram(
    target: DialTarget,
    query: DnsQuery,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | 'too-long' | undefined> {
    const { datagrams, clock } = this.#options;
    const channel = await datagrams.open(target, signal);
    try {
      if (query.bytes.length > channel.maxPayload) return 'too-long';
      const id = this.#randomId();
      channel.send(withId(query.bytes, id));
      for (;;) {
        const left = deadline - clock.now();
        const bytes = left > 0 ? await channel.receive(left, signal) : undefined;
        if (bytes === undefined || isResponseTo(bytes, query, id)) return bytes;
      }
    } finally {
      channel.close();
    }
  }

  async #askByTcp(
    target: DialTarget,
    query: DnsQuery,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | undefined> {
    const { streams, clock } = this.#options;
    const id = this.#randomId();
    const dial = (limit: AbortSignal) =>
      streams.dial(target, signal === undefined ? limit : AbortSignal.any([signal, limit]));
    const bytes = await askByTcp(dial, withId(query.bytes, id), clock, timeout);
    return bytes !== undefined && isResponseTo(bytes, query, id) ? bytes : undefined;
  }

  #randomId(): number {
    const bytes = new Uint8Array(2);
    this.#options.entropy.fill(bytes);
    return ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  }
}
