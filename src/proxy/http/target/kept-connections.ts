/**
 * Open connections to targets that are waiting for their next request
 * (docs/decisions/0003-keep-upstream-connections.md).
 */
import type { Duplex } from 'node:stream';

import { formatAuthority } from '../../../lib/text/http-syntax.js';
import type { DialTarget } from '../../dialer.js';
import { IdleLimits } from './idle-limits.js';
import type { Upstream } from './upstream.js';

export interface KeptConnectionsOptions {
  /** Whether a request may be sent again if it is certain that the target has not read it. */
  readonly resends: boolean;
  /** Set if the process may be frozen at any time, for an unknown duration. */
  readonly freezing?: FreezingProcess;
}

/**
 * A process that is frozen while it is idle. Meanwhile, the target may close a connection. Such a
 * process resets connections instead of closing them, because a reset is one packet.
 */
export interface FreezingProcess {
  /** Resolves after all datagrams that arrived during a freeze are processed. */
  readonly afterInput: () => Promise<void>;
  /** Whether another request is likely to follow while a connection may be idle. */
  readonly expectsMore: () => boolean;
  /** Called when a stream has become idle, or is no longer idle. */
  readonly onIdle: (stream: Duplex) => void;
  readonly onTaken: (stream: Duplex) => void;
}

/** The maximum number of idle connections; the oldest is closed first. */
export const MAX_IDLE = 64;

/**
 * How long, in ms, an idle connection is kept, unless the target announces a timeout. Common
 * servers close after 5 s or more.
 */
export const IDLE_TIMEOUT = 4_000;

/**
 * The maximum idle time in ms, even if the target announces more, because NATs forget silent
 * connections.
 */
const MAX_IDLE_TIMEOUT = 60_000;

/** The time in ms by which the target's timeout is shortened, so that this side closes first. */
const MARGIN = 1_000;

/**
 * After this many milliseconds, a connection is not reused, so that a load balancer can choose
 * another server.
 */
const MAX_AGE = 300_000;

/**
 * After this many milliseconds of idle time, the target has no connection that a reset could end:
 * servers close an idle connection after up to 75 s, and Linux repeats a FIN for about 100 s.
 */
const FORGOTTEN_AFTER = 180_000;

interface Idle {
  readonly key: string;
  readonly upstream: Upstream;
  /** When it became idle, and when to close it: on the monotonic clock and on the wall clock. */
  readonly since: number;
  readonly wallSince: number;
  readonly until: number;
  readonly wallUntil: number;
  /** Whether no request was sent on the connection. */
  readonly isUnused: boolean;
}

export class KeptConnections {
  readonly resends: boolean;
  readonly #freezing: FreezingProcess | undefined;
  /** Idle connections, the oldest first. */
  #idle: Idle[] = [];
  readonly #openedAt = new WeakMap<Upstream, number>();
  readonly #limits = new IdleLimits();
  /** For how many ms a connection was idle between its last two requests. */
  readonly #idleBefore = new WeakMap<Upstream, number>();
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires, on the monotonic clock. */
  #timerAt = Infinity;
  #isClosed = false;

  constructor({ resends, freezing }: KeptConnectionsOptions) {
    this.resends = resends;
    this.#freezing = freezing;
  }

  /** Whether to keep the next connection after its first response. */
  get expectsMore(): boolean {
    return this.#freezing?.expectsMore() ?? true;
  }

  /**
   * Resolves when take() may be called; undefined if it may be called now. After a freeze, the end
   * of a connection may still wait in the socket.
   */
  ready(): Promise<void> | undefined {
    return this.#idle.length === 0 ? undefined : this.#freezing?.afterInput();
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
    const idle = this.#take(target, ({ upstream }) => upstream.segmentSize >= size);
    if (idle === undefined) return undefined;
    const { upstream, isUnused } = idle;
    const duration = idleTime(idle);
    upstream.idleEnds(duration);
    if (!isUnused) this.#idleBefore.set(upstream, duration);
    this.#freezing?.onTaken(upstream.stream);
    return upstream;
  }

  /** Like take(), for a request of any size and a connection from add(). */
  takeUnused(target: DialTarget): Upstream | undefined {
    return this.#take(target, ({ isUnused }) => isUnused)?.upstream;
  }

  #take(target: DialTarget, suits: (idle: Idle) => boolean): Idle | undefined {
    const key = formatAuthority(target);
    for (let index = this.#idle.length - 1; index >= 0; index--) {
      const idle = this.#idle[index];
      if (idle?.key !== key || !suits(idle)) continue;
      this.#idle.splice(index, 1);
      if (isInTime(idle) && idle.upstream.isQuiet) return idle;
      this.#end(idle);
    }
    return undefined;
  }

  /** Whether a connection to `target` can be used; ends those that cannot. */
  has(target: DialTarget): boolean {
    const key = formatAuthority(target);
    this.#endUnless((idle) => isInTime(idle) && idle.upstream.isQuiet);
    return this.#idle.some((idle) => idle.key === key);
  }

  /** Keeps a connection that was opened in advance, without a request. */
  add(target: DialTarget, upstream: Upstream): void {
    if (this.#isClosed) upstream.destroy();
    else this.#hold(formatAuthority(target), upstream, IDLE_TIMEOUT, true);
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
    const key = formatAuthority(target);
    const learned = this.#limits.of(key, now);
    const limit = Math.min(idleTimeout(announced), idleTimeout(learned));
    const left = Math.min(limit, openedAt + MAX_AGE - now);
    if (this.#isClosed || left <= 0 || upstream.segmentSize === 0 || !this.expectsMore) {
      upstream.close();
      return;
    }
    this.#hold(key, upstream, left, false);
  }

  /** Call this if a request on a connection from take() got no response. */
  lost(target: DialTarget, upstream: Upstream): void {
    const duration = this.#idleBefore.get(upstream);
    if (duration !== undefined) this.#learn(formatAuthority(target), upstream, duration);
  }

  /** The target keeps a connection for no longer than `duration` if it has closed this one. */
  #learn(key: string, upstream: Upstream, duration: number): void {
    if (upstream.isClosedByTarget) this.#limits.closed(key, duration, performance.now());
  }

  #hold(key: string, upstream: Upstream, left: number, isUnused: boolean): void {
    const [since, wallSince] = [performance.now(), Date.now()];
    const [until, wallUntil] = [since + left, wallSince + left];
    const idle = { key, upstream, since, wallSince, until, wallUntil, isUnused };
    upstream.idle(() => this.#drop(idle));
    this.#idle.push(idle);
    if (this.#idle.length > MAX_IDLE) this.#end(this.#idle.shift());
    this.#sweepBy(until);
    if (this.#freezing === undefined) return;
    upstream.idleBegins();
    this.#freezing.onIdle(upstream.stream);
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
    for (const each of idle) this.#end(each);
  }

  #drop(idle: Idle): void {
    this.#idle = this.#idle.filter((other) => other !== idle);
    if (!idle.isUnused) this.#learn(idle.key, idle.upstream, idleTime(idle));
    this.#end(idle);
  }

  /** Ends a connection that is no longer in #idle. */
  #end(idle: Idle | undefined): void {
    if (idle === undefined) return;
    const { upstream } = idle;
    if (this.#freezing === undefined) upstream.close();
    else if (idleTime(idle) < FORGOTTEN_AFTER) upstream.destroy();
    else upstream.abandon();
  }

  #endUnless(isKept: (idle: Idle) => boolean): void {
    const ended = this.#idle.filter((idle) => !isKept(idle));
    this.#idle = this.#idle.filter((idle) => !ended.includes(idle));
    for (const idle of ended) this.#end(idle);
  }

  /** Closes the connections whose time has expired. */
  #sweep(): void {
    this.#timerAt = Infinity;
    this.#endUnless(isInTime);
    this.#sweepBy(Math.min(...this.#idle.map(({ until }) => until)));
  }

  /** Makes the timer fire no later than `until`. */
  #sweepBy(until: number): void {
    if (until >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = until;
    const left = Math.max(until - performance.now(), 1);
    this.#timer = setTimeout(() => {
      // After a freeze, timers run before the sockets are read.
      const ready = this.ready();
      if (ready === undefined) this.#sweep();
      else void ready.then(() => this.#sweep());
    }, left).unref();
  }
}

/** The wall clock also includes the time during which the machine slept. */
function isInTime({ until, wallSince, wallUntil }: Idle): boolean {
  const unix = Date.now();
  return performance.now() < until && unix >= wallSince && unix < wallUntil;
}

function idleTime({ since, wallSince }: Idle): number {
  return Math.max(performance.now() - since, Date.now() - wallSince);
}

/** @param limit the ms after which the target closes an idle connection; undefined if unknown */
function idleTimeout(limit: number | undefined): number {
  if (limit === undefined) return IDLE_TIMEOUT;
  return Math.min(MAX_IDLE_TIMEOUT, limit - Math.min(MARGIN, limit / 2));
}
