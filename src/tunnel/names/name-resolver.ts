/**
 * A stub resolver (RFC 1034 5.3.1) that queries the name servers inside the tunnel. The resolver
 * never uses the system's resolver or /etc/hosts.
 */
import { untilAborted } from '../../lib/waits.js';
import type { DatagramDialer } from '../../proxy/datagram-dialer.js';
import { type Dialer, DialError, type DialTarget } from '../../proxy/dialer.js';
import { askByTcp } from '../../proxy/dns/ask-by-tcp.js';
import { FALLBACK_NOTE, hostKey, type HostNames } from '../../proxy/dns/host-names.js';
import { happyEyeballsOrder } from '../server/address-order.js';
import {
  type AddressType,
  encodeQuestion,
  type NameAnswer,
  type NameQuestion,
  readAnswer,
} from './name-question.js';
import { ADDRESS_GONE } from '../node/node-errors.js';
import type { TunnelPorts } from '../tunnel-ports.js';

export const DNS_PORT = 53;

/**
 * The timeout of each attempt in ms. The servers alternate, so a lost packet causes a delay of only
 * two seconds.
 */
const ATTEMPTS = [2_000, 2_000, 3_000, 3_000] as const;

/** How long to use a fallback address without asking the name servers again, in milliseconds. */
const FALLBACK_TTL = 60_000;

/** The limits of RFC 1035 2.3.4: a name of 255 bytes in a message has 253 characters. */
const MAX_NAME_LENGTH = 253;
const MAX_LABEL_LENGTH = 63;

/** The last labels of names that must not be queried, with the reasons. */
const SPECIAL_NAMES: ReadonlyMap<string, string> = new Map([
  [
    'localhost',
    'the name refers to this machine, which is outside the tunnel (RFC 6761, section 6.3)',
  ],
  ['invalid', 'such names never exist (RFC 6761, section 6.4)'],
  ['local', 'such names exist only on the local link (RFC 6762, section 3)'],
  ['onion', 'such names exist only in Tor (RFC 7686, section 2)'],
]);

/** The name servers and the record types to query. */
export interface NameServers {
  /** IP addresses as strings, in the order in which they are used. */
  readonly servers: readonly string[];
  /** The record types whose addresses the tunnel can reach. */
  readonly types: readonly AddressType[];
}

export interface NameResolverOptions
  extends NameServers, Pick<TunnelPorts, 'clock' | 'entropy' | 'log'> {
  /** Names whose addresses replace those of the name servers. */
  readonly hosts?: HostNames | undefined;
  /** Names whose addresses are used only if no name server answers. */
  readonly fallbackHosts?: HostNames | undefined;
  readonly datagrams: DatagramDialer;
  /** Dials IP addresses, for responses that do not fit into a datagram. */
  readonly streams: Dialer;
}

/** The cache and queries that belong to the current name servers. */
interface KnownNames extends NameServers {
  readonly cache: NameCache;
  /** The queries in progress by name. Later callers with the same name share a query. */
  readonly running: Map<string, Promise<readonly string[]>>;
}

export class NameResolver {
  readonly #options: Omit<NameResolverOptions, keyof NameServers>;
  #known: KnownNames;
  readonly #closing = new AbortController();
  #hasLoggedFallback = false;

  constructor(options: NameResolverOptions) {
    this.#options = options;
    this.#known = knownNames(options);
  }

  /**
   * Changes the name servers or record types, and clears the cache. Queries in progress continue
   * with the old servers.
   */
  reconfigure(names: NameServers): void {
    this.#known = knownNames(names);
  }

  close(): void {
    this.#closing.abort(new DialError('closed', 'the tunnel is closing'));
  }

  /**
   * Returns a name's addresses, at least one, in the order in which to try them.
   *
   * @param signal aborts the wait; the promise then rejects with the abort reason
   * @throws DialError `no-such-name`, `name-unresolved`; the tunnel's error if the query cannot be
   * sent through it
   */
  async resolve(text: string, signal?: AbortSignal): Promise<readonly string[]> {
    const name = hostKey(text);
    this.#closing.signal.throwIfAborted();
    const fixed = this.#options.hosts?.get(name);
    if (fixed !== undefined) return fixed;
    requireName(name);
    let addresses = this.#known.cache.get(name, this.#options.clock.now());
    addresses ??= await untilAborted(this.#ask(this.#known, name), signal);
    if (addresses.length === 0)
      throw noSuchName(name, 'the name servers did not return an address for this name');
    return addresses;
  }

  #ask(known: KnownNames, name: string): Promise<readonly string[]> {
    let running = known.running.get(name);
    if (running === undefined) {
      running = this.#askAll(known, name)
        .catch((error: unknown) => this.#fallBack(known, name, error))
        .finally(() => known.running.delete(name));
      // The caller may have stopped waiting, so mark a rejection as handled.
      running.catch(() => undefined);
      known.running.set(name, running);
    }
    return running;
  }

  async #askAll(known: KnownNames, name: string): Promise<readonly string[]> {
    const { clock } = this.#options;
    const asked = known.types.map((type) => this.#askServers(known.servers, name, type));
    const answers = await Promise.all(asked);
    const addresses = happyEyeballsOrder(answers.flatMap((answer) => answer.addresses));
    // A negative answer for one type does not limit the lifetime of the other type's addresses.
    const ttls = answers
      .filter((answer) => answer.addresses.length > 0 || addresses.length === 0)
      .map(({ ttl }) => ttl);
    known.cache.set(name, addresses, Math.min(...ttls), clock.now());
    return addresses;
  }

  /** Returns the fixed addresses of a name after no name server has answered. */
  #fallBack(known: KnownNames, name: string, error: unknown): readonly string[] {
    const { fallbackHosts, clock, log } = this.#options;
    const addresses = fallbackHosts?.get(name);
    const isUnanswered = error instanceof DialError && error.reason === 'name-unresolved';
    if (addresses === undefined || !isUnanswered) throw error;
    if (!this.#hasLoggedFallback) log.warn({ reason: error.message }, FALLBACK_NOTE);
    this.#hasLoggedFallback = true;
    // Later connections need not wait for the name servers.
    known.cache.set(name, addresses, FALLBACK_TTL, clock.now());
    return addresses;
  }

  async #askServers(servers: readonly string[], name: string, type: AddressType) {
    const failures = new Map<string, string>();
    for (const [attempt, timeout] of ATTEMPTS.entries()) {
      const server = servers[attempt % servers.length];
      if (server === undefined) break;
      const answer = await this.#askServer(server, name, type, timeout);
      if (answer.kind === 'addresses') return answer;
      failures.set(server, answer.why);
      // Stop if the failures of all servers are lasting, because a retry would not help.
      if (failures.size === servers.length && ![...failures.values()].includes(SILENT)) break;
    }
    throw unresolved(name, failures);
  }

  async #askServer(
    host: string,
    name: string,
    type: AddressType,
    timeout: number,
  ): Promise<Extract<NameAnswer, { kind: 'addresses' }> | { kind: 'none'; why: string }> {
    const { clock } = this.#options;
    const server = { host, port: DNS_PORT };
    const question = { id: this.#randomId(), name, type };
    try {
      const deadline = clock.now() + timeout;
      let answer = await this.#askByDatagram(server, question, deadline);
      if (answer?.kind === 'truncated') {
        const bytes = await this.#askByTcp(server, question);
        answer = bytes && readAnswer(bytes, question);
        // The response to a retry over UDP would be truncated, too.
        if (answer === undefined) return { kind: 'none', why: SILENT_BY_TCP };
      }
      if (answer?.kind === 'addresses') return answer;
      if (answer?.kind === 'failed') return { kind: 'none', why: `answers with ${answer.rcode}` };
      return { kind: 'none', why: SILENT };
    } catch (error) {
      // If this query cannot be sent through the tunnel, a query to another server cannot be sent
      // either.
      if (!(error instanceof DialError) || !isOfServer(error)) throw error;
      // The response was sent to an address that was removed; the next attempt uses the current
      // one.
      if (error.message === ADDRESS_GONE) return { kind: 'none', why: SILENT };
      return { kind: 'none', why: LASTING.get(error.reason) ?? error.message };
    }
  }

  async #askByDatagram(
    server: DialTarget,
    question: NameQuestion,
    deadline: number,
  ): Promise<NameAnswer | undefined> {
    const { datagrams, clock } = this.#options;
    const { signal } = this.#closing;
    const channel = await datagrams.open(server, signal);
    try {
      channel.send(encodeQuestion(question));
      for (;;) {
        const left = deadline - clock.now();
        const bytes = left > 0 ? await channel.receive(left, signal) : undefined;
        if (bytes === undefined) return undefined;
        const answer = readAnswer(bytes, question);
        if (answer !== undefined) return answer;
      }
    } finally {
      channel.close();
    }
  }

  #askByTcp(server: DialTarget, question: NameQuestion): Promise<Uint8Array | undefined> {
    const { streams, clock } = this.#options;
    // #closing need not abort this, because closing the tunnel resets its connections.
    const dial = (signal: AbortSignal) => streams.dial(server, signal);
    return askByTcp(dial, encodeQuestion(question), clock);
  }

  /** Returns an unpredictable ID (RFC 5452 9.2). */
  #randomId(): number {
    const bytes = new Uint8Array(2);
    this.#options.entropy.fill(bytes);
    return ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
  }
}

function knownNames({ servers, types }: NameServers): KnownNames {
  return { servers, types, cache: new NameCache(), running: new Map() };
}

const SILENT = 'does not answer';
const SILENT_BY_TCP = 'does not answer over TCP';

/** Descriptions of failures that will probably last longer than a minute. */
const LASTING: ReadonlyMap<string, string> = new Map([
  ['no-route', 'is outside the allowed IPs'],
  ['refused', 'does not accept DNS queries'],
]);

function isOfServer({ reason }: DialError): boolean {
  return LASTING.has(reason) || reason === 'unreachable' || reason === 'timeout';
}

/** @throws DialError `no-such-name` for a name that must not be queried */
function requireName(name: string): void {
  const labels = name.split('.');
  const isWellFormed =
    name.length <= MAX_NAME_LENGTH &&
    labels.every((label) => label !== '' && label.length <= MAX_LABEL_LENGTH) &&
    // The codec would encode other characters as UTF-8.
    /^[\x21-\x7e]+$/.test(name);
  if (!isWellFormed) throw noSuchName(JSON.stringify(name), 'the name must be a valid host name');
  const why = SPECIAL_NAMES.get(labels.at(-1) ?? '');
  if (why !== undefined) throw noSuchName(name, why);
}

function noSuchName(name: string, why: string): DialError {
  return new DialError('no-such-name', `cannot find ${name}: ${why}`);
}

function unresolved(name: string, failures: ReadonlyMap<string, string>): DialError {
  const texts = [...failures].map(([server, why]) => `name server ${server} ${why}`);
  const why = texts.length > 0 ? texts.join(', ') : 'no name server is known';
  return new DialError('name-unresolved', `cannot look up ${name}: ${why}`);
}

/** The maximum number of names; the least recently used one is evicted. */
const MAX_NAMES = 1024;

/** The maximum lifetime of a response in milliseconds, regardless of its TTL. */
const LONGEST = 60 * 60_000;

interface Entry {
  /** IP addresses as strings; empty if the name has no addresses. */
  readonly addresses: readonly string[];
  /** The time at which the entry expires. */
  readonly expiresAt: number;
}

export class NameCache {
  /** The cached names, least recently used first. */
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Returns a name's cached addresses, empty if the name has none; undefined if it is not cached.
   */
  get(name: string, now: number): readonly string[] | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    if (now >= entry.expiresAt) return undefined;
    this.#entries.set(name, entry);
    return entry.addresses;
  }

  /** @param ttl milliseconds; 0 stores nothing (RFC 1035 3.2.1) */
  set(name: string, addresses: readonly string[], ttl: number, now: number): void {
    this.#entries.delete(name);
    if (ttl <= 0) return;
    this.#entries.set(name, { addresses, expiresAt: now + Math.min(ttl, LONGEST) });
    if (this.#entries.size <= MAX_NAMES) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}
