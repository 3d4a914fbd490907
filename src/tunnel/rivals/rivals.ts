/** Another tunnel with our key: what the parts of a tunnel see of it, and who is told. */
import type { Peer } from '../../engine/engine.js';
import type { UnmatchedSegment, UnmatchedSegmentObserver } from '../../engine/netstack-engine.js';
import type { Endpoint } from '../../ports/datagram.js';
import type { Log } from '../../ports/log.js';
import { type RivalSigns, RivalWatch } from './rival-watch.js';

/** A handshake that may not begin yet (whitepaper 6.1) is asked for again after this, in ms. */
export const ASKED_AGAIN_AFTER = 1_000;

/** Another tunnel that uses our key, as far as there are signs of one. */
export interface Rival extends RivalSigns {
  readonly what: string;
  readonly why: string;
  readonly next: readonly string[];
}

/** A rival that stays is in the log as a warning no more often than this, in ms. */
const WARNED_AGAIN_AFTER = 3_600_000;

/**
 * A rival that was certain counts as present for this long, in ms: one that sends once a minute is certain
 * again only after several messages.
 */
const REMEMBERED = 600_000;

/** What is said of a rival that was seen of late. */
export interface SeenRival {
  readonly why: string;
  /** How long ago, in ms. */
  readonly ago: number;
}

export class Rivals implements UnmatchedSegmentObserver {
  readonly isQuiet = true;
  readonly #log: Log;
  readonly #watch: RivalWatch;
  readonly #timedOutAt: (server: Peer) => number;
  #listener: (rival: Rival) => void = () => undefined;
  /** When a handshake was last asked for. */
  #askedAt = -Infinity;
  #warnedAt = -Infinity;
  #certain: { readonly why: string; readonly at: number } | undefined;

  /**
   * @param timedOutAt tells when TCP last sent something again for want of an answer, or when anything was
   *   sent where TCP is the system's
   */
  constructor(log: Log, now: number, timedOutAt: (server: Peer) => number) {
    this.#log = log;
    this.#timedOutAt = timedOutAt;
    this.#watch = new RivalWatch(now);
  }

  /** @param listener called behind a turn of the driver; one that was here before is not called any more */
  onRival(listener: (rival: Rival) => void): void {
    this.#listener = listener;
  }

  /** Another key of ours, or another server. */
  restart(now: number): void {
    this.#watch.restart(now);
    this.#certain = undefined;
    this.#warnedAt = -Infinity;
  }

  /** The rival that was certain of late; undefined without one. */
  seen(now: number): SeenRival | undefined {
    if (this.#certain === undefined) return undefined;
    const { why, at } = this.#certain;
    return now - at < REMEMBERED ? { why, ago: now - at } : undefined;
  }

  /** A message for a session that was never ours has come; from whom is not known. */
  strangeMessage(from: Endpoint, server: Endpoint | undefined, now: number): void {
    if (from.port !== server?.port || from.address !== server.address) return;
    this.#log.trace({}, 'a message for a session that this tunnel never had');
    this.#watch.strangeMessage(now);
  }

  onUnmatched({ flow, isSynAck }: UnmatchedSegment, now: number): void {
    this.#log.trace({ flow }, 'a packet for a connection that this tunnel never had');
    this.#watch.foreignFlow(flow, isSynAck, now);
  }

  handshakeComplete(server: Peer, now: number): void {
    this.#watch.handshakeComplete(server.unansweredDataSince, now);
  }

  /**
   * To be called at the end of each turn of the driver.
   *
   * @returns whether a handshake is worth a try: WireGuard alone would wait 15 s for it (whitepaper 6.5)
   */
  afterTurn(server: Peer, now: number): boolean {
    const { unansweredDataSince } = server;
    this.#watch.timedOut(this.#timedOutAt(server));
    const signs = this.#watch.poll(unansweredDataSince, now);
    if (signs !== undefined) this.#tell(signs, now);
    if (now - this.#askedAt < ASKED_AGAIN_AFTER) return false;
    // It is tried again by itself, and given up (6.4) unless a packet asks for it anew.
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
      what: 'another tunnel may use this virtual SIM',
      why: 'the Arc server sent a packet for a session or connection that this tunnel does not have',
      next: ['Wait: a new handshake shows whether it happens again.'],
    };
  }
  return {
    ...signs,
    what: 'another tunnel uses this virtual SIM',
    why: `the session was taken over ${times(lost)}, and packets for another tunnel's connection arrived ${times(flows)}. A virtual SIM can carry only one tunnel at a time`,
    next: ['Give each tunnel its own virtual SIM, or stop the other tunnel.'],
  };
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
