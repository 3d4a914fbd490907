/** Pings a host inside the tunnel, in the way of ping(8). */
import { DialError } from '../../proxy/dialer.js';
import type {
  EchoChannel,
  EchoDialer,
  EchoErrorEvent,
  EchoEvent,
} from '../../proxy/echo-dialer.js';
import type { Clock } from '../../ports/clock.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { TunnelAccess } from '../access/access.js';
import { dialFailure } from '../access/dial-failure.js';
import { hostKey, type HostNames } from '../../proxy/dns/host-names.js';

export interface PingHostOptions {
  /** An IP address, or a name to resolve inside the tunnel. */
  readonly host: string;
  readonly family?: 4 | 6 | undefined;
  /** The number of requests; Infinity sends until the signal aborts. */
  readonly count: number;
  /** Milliseconds between requests. */
  readonly interval: number;
  /** Milliseconds to wait after the last request if no reply has arrived. */
  readonly timeout: number;
  /** The number of data bytes in a request. */
  readonly size: number;
  /** Ends the ping; the summary is still returned. */
  readonly signal?: AbortSignal | undefined;
}

export interface PingStart {
  readonly host: string;
  readonly address: string;
  readonly size: number;
}

export interface PingReply {
  readonly address: string;
  readonly sequence: number;
  /** The number of bytes in the reply, including the ICMP header. */
  readonly bytes: number;
  readonly ttl: number;
  /** The round-trip time in milliseconds. */
  readonly rtt: number;
  readonly isDuplicate: boolean;
}

/** Receives the events of a ping as they happen. */
export interface PingObserver {
  readonly onStart: (start: PingStart) => void;
  readonly onReply: (reply: PingReply) => void;
  readonly onError: (error: EchoErrorEvent) => void;
}

export interface PingSummary extends PingStart {
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly errors: number;
  /** Milliseconds from the first request to the end. */
  readonly duration: number;
  /** The round-trip times in milliseconds; undefined without replies. */
  readonly rtt:
    | {
        readonly min: number;
        readonly average: number;
        readonly max: number;
        readonly deviation: number;
      }
    | undefined;
}

const ICMP_HEADER = 8;
const SEQUENCES = 0x1_0000;

/** The number of latest requests whose replies are recognized. */
const REMEMBERED = 1024;

/**
 * Pings a host until all requests are answered, or the time is over.
 *
 * @throws UserError of kind `usage` if the size does not fit into a packet
 * @throws TunnelError if the host cannot be found or reached
 */
export async function pingHost(
  options: PingHostOptions,
  { echoDialer }: Pick<TunnelAccess, 'echoDialer'>,
  clock: Pick<Clock, 'now'>,
  observer: PingObserver,
): Promise<PingSummary> {
  const { host, family, size, signal } = options;
  try {
    const channel = await echoDialer.open(host, { family, signal });
    try {
      requireSize(size, channel.maxPayload);
      return await new Ping(options, channel, clock, observer).run();
    } finally {
      channel.close();
    }
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    throw dialFailure(error, `cannot ping ${host}`, 'Check the name or address of the host.');
  }
}

interface SentRequest {
  readonly at: number;
  isAnswered: boolean;
}

class Ping {
  readonly #options: PingHostOptions;
  readonly #channel: EchoChannel;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #observer: PingObserver;
  readonly #payload: Uint8Array;
  /** The latest requests by sequence number, oldest first. */
  readonly #requests = new Map<number, SentRequest>();
  readonly #rtts = new RoundTrips();
  #sent = 0;
  #duplicates = 0;
  #errors = 0;
  #sentAt = 0;

  constructor(
    options: PingHostOptions,
    channel: EchoChannel,
    clock: Pick<Clock, 'now'>,
    observer: PingObserver,
  ) {
    this.#options = options;
    this.#channel = channel;
    this.#clock = clock;
    this.#observer = observer;
    this.#payload = Uint8Array.from({ length: options.size }, (_, index) => index);
  }

  async run(): Promise<PingSummary> {
    const { host, size } = this.#options;
    const start = { host, address: this.#channel.address, size };
    this.#observer.onStart(start);
    const began = this.#clock.now();
    await this.#exchange();
    return {
      ...start,
      sent: this.#sent,
      received: this.#rtts.count,
      duplicates: this.#duplicates,
      errors: this.#errors,
      duration: this.#clock.now() - began,
      rtt: this.#rtts.summary(),
    };
  }

  async #exchange(): Promise<void> {
    const { count, signal } = this.#options;
    while (signal?.aborted !== true) {
      if (this.#sent < count && this.#due() <= this.#clock.now()) this.#send();
      if (this.#rtts.count + this.#errors >= count) return;
      const left = this.#due() - this.#clock.now();
      if (left <= 0) {
        if (this.#sent >= count) return;
        continue;
      }
      const event = await this.#receive(left);
      if (event !== undefined) this.#handle(event);
    }
  }

  /** When the next request is due or, after the last one, when the wait ends. */
  #due(): number {
    const { count, interval, timeout } = this.#options;
    if (this.#sent === 0) return -Infinity;
    if (this.#sent < count) return this.#sentAt + interval;
    // As in ping(8), two round trips are enough if the host has answered before.
    const isAlive = this.#rtts.count > 0;
    return this.#sentAt + (isAlive ? Math.max(2 * this.#rtts.max, interval) : timeout);
  }

  #send(): void {
    this.#sent++;
    const sequence = this.#sent % SEQUENCES;
    this.#sentAt = this.#channel.send(sequence, this.#payload);
    this.#requests.delete(sequence);
    this.#requests.set(sequence, { at: this.#sentAt, isAnswered: false });
    if (this.#requests.size <= REMEMBERED) return;
    const [oldest] = this.#requests.keys();
    if (oldest !== undefined) this.#requests.delete(oldest);
  }

  /** Returns the next event; undefined at the timeout or after an abort. */
  async #receive(timeout: number): Promise<EchoEvent | undefined> {
    const { signal } = this.#options;
    try {
      return await this.#channel.receive(timeout, signal);
    } catch (error) {
      if (signal?.aborted === true && !(error instanceof DialError)) return undefined;
      throw error;
    }
  }

  #handle(event: EchoEvent): void {
    const request = this.#requests.get(event.sequence);
    if (request === undefined) return;
    if (event.kind === 'error') {
      this.#errors++;
      this.#observer.onError(event);
      return;
    }
    const { payload, at, ttl, sequence } = event;
    // Ignore data that this process did not send.
    if (!isSame(payload, this.#payload)) return;
    const rtt = Math.max(0, at - request.at);
    const isDuplicate = request.isAnswered;
    request.isAnswered = true;
    if (isDuplicate) this.#duplicates++;
    else this.#rtts.add(rtt);
    const { address } = this.#channel;
    const bytes = ICMP_HEADER + payload.length;
    this.#observer.onReply({ address, sequence, bytes, ttl, rtt, isDuplicate });
  }
}

class RoundTrips {
  count = 0;
  max = 0;
  #min = Infinity;
  #sum = 0;
  #squares = 0;

  add(rtt: number): void {
    this.count++;
    this.#min = Math.min(this.#min, rtt);
    this.max = Math.max(this.max, rtt);
    this.#sum += rtt;
    this.#squares += rtt * rtt;
  }

  summary(): PingSummary['rtt'] {
    if (this.count === 0) return undefined;
    const average = this.#sum / this.count;
    const variance = this.#squares / this.count - average * average;
    const deviation = Math.sqrt(Math.max(0, variance));
    return { min: this.#min, average, max: this.max, deviation };
  }
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

function requireSize(size: number, limit: number): void {
  if (size <= limit) return;
  throw new UserError('usage', {
    what: `cannot use --size=${size}`,
    why: `a packet in the tunnel can hold ${limit} bytes, and arctun does not fragment packets`,
    next: [`Use --size=${limit} or less.`],
  });
}

/**
 * Uses the first address of the family for names in `hosts`, and leaves all other names to the
 * dialer.
 */
export function withHosts(dialer: EchoDialer, hosts: HostNames): EchoDialer {
  return {
    async open(host, options = {}) {
      const addresses = hosts.get(hostKey(host));
      if (addresses === undefined) return dialer.open(host, options);
      const { family } = options;
      const isOfFamily = (text: string) => text.includes(':') === (family === 6);
      const address = family === undefined ? addresses[0] : addresses.find(isOfFamily);
      if (address !== undefined) return dialer.open(address, options);
      throw new DialError('no-such-name', `${host} does not have an IPv${family} address`);
    },
  };
}
