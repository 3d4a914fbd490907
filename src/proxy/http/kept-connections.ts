/**
 * Open connections to targets that are waiting for their next request
 * (docs/decisions/0003-keep-upstream-connections.md).
 */
import { formatAuthority } from '../listen-address.js';
import type { DialTarget } from '../dialer.js';
import type { Upstream } from './upstream.js';

export interface KeptConnectionsOptions {
  /** Whether a request may be sent again if it is certain that the target has not read it. */
  readonly resends: boolean;
}

/** The maximum number of idle connections; the oldest is closed first. */
export const MAX_IDLE = 64;

/**
 * How long, in ms, an idle connection is kept, unless the target announces a timeout. Common
 * servers close after 5 s or more.
 */
const IDLE_TIMEOUT = 4_000;

/**
 * The maximum idle time in ms, even if the target announces more, because NATs forget silent
 * connections.
 */
const MAX_IDLE_TIMEOUT = 60_000;

/** The time in ms by which the announced timeout is shortened, so that this side closes first. */
const MARGIN = 1_000;

/**
 * After this many milliseconds, a connection is not reused, so that a load balancer can choose
 * another server.
 */
const MAX_AGE = 300_000;

interface Idle {
  readonly key: string;
  readonly upstream: Upstream;
  /** When to close the connection, on the monotonic clock and on the wall clock. */
  readonly until: number;
  readonly wallUntil: number;
}

export class KeptConnections {
  readonly resends: boolean;
  /** Idle connections, the oldest first. */
  #idle: Idle[] = [];
  readonly #openedAt = new WeakMap<Upstream, number>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, on the monotonic clock. */
  #timerAt = Infinity;
  #isClosed = false;

  constructor({ resends }: KeptConnectionsOptions) {
    this.resends = resends;
  }

  /** The number of idle connections. */
  get size(): number {
    return this.#idle.length;
  }

  /**
   * Removes and returns the most recently used connection to `target`.
   *
   * @param size bytes of the request, which must fit into one segment
   * @returns undefined if no connection can be used
   */
  take(target: DialTarget, size: number): Upstream | undefined {
    const key = formatAuthority(target);
    for (let index = this.#idle.length - 1; index >= 0; index--) {
      const idle = this.#idle[index];
      if (idle?.key !== key || idle.upstream.segmentSize < size) continue;
      this.#idle.splice(index, 1);
      if (isInTime(idle) && idle.upstream.isQuiet) return idle.upstream;
      idle.upstream.close();
    }
    return undefined;
  }

  /**
   * Keeps a connection after a response, or closes it.
   *
   * @param announced the idle timeout in ms that the target has announced
   */
  keep(target: DialTarget, upstream: Upstream, announced: number | undefined): void {
    const now = performance.now();
    const openedAt = this.#openedAt.get(upstream) ?? now;
    this.#openedAt.set(upstream, openedAt);
    const left = Math.min(idleTimeout(announced), openedAt + MAX_AGE - now);
    if (this.#isClosed || left <= 0 || upstream.segmentSize === 0) {
      upstream.close();
      return;
    }
    const until = now + left;
    const idle = { key: formatAuthority(target), upstream, until, wallUntil: Date.now() + left };
    upstream.idle(() => this.#drop(idle));
    this.#idle.push(idle);
    if (this.#idle.length > MAX_IDLE) this.#idle.shift()?.upstream.close();
    this.#sweepBy(until);
  }

  /** Closes all idle connections; connections passed to keep() later are closed, too. */
  close(): void {
    this.#isClosed = true;
    this.clear();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timerAt = Infinity;
    const idle = this.#idle;
    this.#idle = [];
    for (const { upstream } of idle) upstream.close();
  }

  #drop(idle: Idle): void {
    this.#idle = this.#idle.filter((other) => other !== idle);
    idle.upstream.close();
  }

  /** Closes the connections whose time has expired. */
  #sweep(): void {
    this.#timerAt = Infinity;
    const idle = this.#idle;
    this.#idle = idle.filter(isInTime);
    for (const old of idle) if (!isInTime(old)) old.upstream.close();
    this.#sweepBy(Math.min(...this.#idle.map(({ until }) => until)));
  }

  /** Makes the timer fire no later than `until`. */
  #sweepBy(until: number): void {
    if (until >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = until;
    const left = Math.max(until - performance.now(), 1);
    this.#timer = setTimeout(() => this.#sweep(), left).unref();
  }
}

/** The wall clock also includes the time during which the machine slept. */
function isInTime({ until, wallUntil }: Idle): boolean {
  return performance.now() < until && Date.now() < wallUntil;
}

function idleTimeout(announced: number | undefined): number {
  if (announced === undefined) return IDLE_TIMEOUT;
  return Math.min(MAX_IDLE_TIMEOUT, announced - Math.min(MARGIN, announced / 2));
}
