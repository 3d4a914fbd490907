/** Collects signs of another tunnel with the same key, and reports the rival. */
import type { Peer } from '../../engine/engine.js';
import type { UnmatchedSegment, UnmatchedSegmentObserver } from '../../engine/netstack-engine.js';
import type { Endpoint } from '../../ports/datagram.js';
import type { Log } from '../../ports/log.js';
import { type RivalSigns, RivalWatch } from './rival-watch.js';

/**
 * If a handshake is not allowed yet, it is requested again after this many milliseconds (whitepaper
 * 6.1).
 */
export const ASKED_AGAIN_AFTER = 1_000;

/** Another tunnel that is probably using the same key. */
export interface Rival extends RivalSigns {
  readonly what: string;
  readonly why: string;
  readonly next: readonly string[];
}

/** The minimum interval in milliseconds between log warnings about the same rival. */
const WARNED_AGAIN_AFTER = 3_600_000;

/**
 * The time in milliseconds for which a confirmed rival is considered present. If a rival sends once
 * a minute, several of its messages pass before the rival is confirmed again.
 */
const REMEMBERED = 600_000;

export interface SeenRival {
  readonly why: string;
  /** The time since the rival was seen, in milliseconds. */
  readonly ago: number;
}

export class Rivals implements UnmatchedSegmentObserver {
  readonly isQuiet = true;
  readonly #log: Log;
  readonly #watch: RivalWatch;
  readonly #timedOutAt: (server: Peer) => number;
  #listener: (rival: Rival) => void = () => undefined;
  /** The time at which a handshake was last requested. */
  #askedAt = -Infinity;
  #warnedAt = -Infinity;
  #certain: { readonly why: string; readonly at: number } | undefined;

  /**
   * @param timedOutAt returns the time at which TCP last retransmitted because of a missing
   * response, or the time of the last sent packet if the kernel runs TCP
   */
  constructor(log: Log, now: number, timedOutAt: (server: Peer) => number) {
    this.#log = log;
    this.#timedOutAt = timedOutAt;
    this.#watch = new RivalWatch(now);
  }

  /** @param listener called at the end of a turn of the driver; replaces any earlier listener */
  onRival(listener: (rival: Rival) => void): void {
    this.#listener = listener;
  }

  /** Forgets the rival, because the key or server has changed. */
  restart(now: number): void {
    this.#watch.restart(now);
    this.#certain = undefined;
    this.#warnedAt = -Infinity;
  }

  /** The last confirmed rival; undefined if no rival was seen recently. */
  seen(now: number): SeenRival | undefined {
    if (this.#certain === undefined) return undefined;
    const { why, at } = this.#certain;
    return now - at < REMEMBERED ? { why, ago: now - at } : undefined;
  }

  /** Records an unauthenticated message for a session that this tunnel never had. */
  strangeMessage(from: Endpoint, server: Endpoint | undefined, now: number): void {
    if (from.port !== server?.port || from.address !== server.address) return;
    this.#log.trace({}, 'received a message for a session that this tunnel never had');
    this.#watch.strangeMessage(now);
  }

  onUnmatched({ flow, isSynAck }: UnmatchedSegment, now: number): void {
    this.#log.trace({ flow }, 'received a packet for a connection that this tunnel never had');
    this.#watch.foreignFlow(flow, isSynAck, now);
  }

  handshakeComplete(server: Peer, now: number): void {
    this.#watch.handshakeComplete(server.unansweredDataSince, now);
  }

  /**
   * Evaluates the signs; call at the end of each turn of the driver.
   *
   * @returns whether to try a handshake now; WireGuard on its own would wait 15 s (whitepaper 6.5)
   */
  afterTurn(server: Peer, now: number): boolean {
    const { unansweredDataSince } = server;
    this.#watch.timedOut(this.#timedOutAt(server));
    const signs = this.#watch.poll(unansweredDataSince, now);
    if (signs !== undefined) this.#tell(signs, now);
    if (now - this.#askedAt < ASKED_AGAIN_AFTER) return false;
    // WireGuard itself retries a handshake in progress, and gives up (6.4) unless another packet is
    // sent.
    if (server.handshakeBeganAt !== undefined) return false;
    if (!this.#watch.isInDoubt(unansweredDataSince, now)) return false;
    this.#askedAt = now;
    return true;
  }

  #tell(signs: RivalSigns, now: number): void {
    const rival = describe(signs);
    const { what, why, next, isCertain } = rival;
    if (isCertain) this.#certain = { why, at: now };
    if (isCertain && now - this.#warnedAt >= WARNED_AGAIN_AFTER) {
      this.#warnedAt = now;
      this.#log.warn({ why, next }, what);
    } else {
      this.#log.debug({ why }, what);
    }
    this.#listener(rival);
  }
}

function describe(signs: RivalSigns): Rival {
  const { isCertain, foreignFlows: flows, lostSessions: lost } = signs;
  if (!isCertain) {
    return {
      ...signs,
      what: 'another tunnel may be using this virtual SIM',
      why: 'the Arc server sent a packet for a session or connection that this tunnel does not have',
      next: ['Wait: after a new handshake, arctun checks whether this happens again.'],
    };
  }
  return {
    ...signs,
    what: 'another tunnel is using this virtual SIM',
    why: `the session was taken over ${times(lost)}, and packets for another tunnel's connection arrived ${times(flows)}. A virtual SIM supports only one tunnel at a time`,
    next: ['Give each tunnel its own virtual SIM, or stop the other tunnel.'],
  };
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
