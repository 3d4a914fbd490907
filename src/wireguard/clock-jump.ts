/** Jumps of the clocks, and what they do to the sessions. */
import type { WallClock } from '../ports/clock.js';
import { CLOCK_DRIFT, CLOCK_JUMP, REKEY_TIMEOUT } from './constants.js';
import type { DeviceContext } from './context.js';
import type { Peer } from './peer.js';
import type { Sender } from './data/send.js';

/**
 * Ends sessions after a clock jump, before any input is processed. A counter that was used before
 * this memory was cloned must not be used again, nor a key that is older than it seems.
 */
export class ClockJump {
  readonly #context: DeviceContext;
  readonly #sender: Sender;
  readonly #clockWatch: ClockWatch;
  /** When a clock jump last lifted the limit on initiations. */
  #jumpedAt = -Infinity;
  /** The sum of all jumps, in ms, and the largest value it ever had. */
  #lead = 0;
  #farthestLead = 0;

  constructor(context: DeviceContext, sender: Sender) {
    this.#context = context;
    this.#sender = sender;
    this.#clockWatch = new ClockWatch(context.wallClock);
  }

  /** Checks for a clock jump. Call it with each input before processing the input. */
  check(now: number): void {
    const by = this.#clockWatch.jump(now);
    if (by === 0) return;
    const slept = this.#sleptBy(by);
    const peers = [...this.#context.peers.values()];
    // The time asleep counts as time between initiations (6.1), although the monotonic clock missed
    // it.
    for (const peer of peers) peer.lastSentHandshake -= slept;
    const ended = peers.filter((peer) => !this.#outlives(peer, by, now));
    if (ended.length === 0 && peers.length > 0) return;
    // The first jump lifts the limit on initiations (6.1). Further jumps within REKEY_TIMEOUT must
    // not lift it again.
    const isLimited = now - this.#jumpedAt < REKEY_TIMEOUT;
    if (!isLimited) this.#jumpedAt = now;
    for (const peer of ended) this.#end(peer, isLimited, now);
    this.#context.events.push({ type: 'clock-jumped', by });
  }

  /**
   * Returns by how many ms the wall clock's lead over the monotonic clock exceeds its previous
   * maximum, so that moving the wall clock back and forth does not count as sleep.
   */
  #sleptBy(jump: number): number {
    const before = this.#farthestLead;
    this.#lead += jump;
    this.#farthestLead = Math.max(before, this.#lead);
    return this.#farthestLead - before;
  }

  /** Whether the peer's session survives the jump. A surviving session is aged by `by` ms. */
  #outlives(peer: Peer, by: number, now: number): boolean {
    const { current } = peer.keypairs;
    if (this.#context.sessionsOutliveSleep !== true || by < 0) return false;
    if (current?.canSend(now + by) !== true) return false;
    peer.sleptFor(by);
    return true;
  }

  #end(peer: Peer, isLimited: boolean, now: number): void {
    const { lastSentHandshake } = peer;
    // Waiting packets still need a handshake, and the next retry may be seconds away.
    const isWanted = peer.isHandshakeWanted;
    peer.discardSessions();
    if (isLimited) peer.lastSentHandshake = lastSentHandshake;
    peer.timers.start(now);
    if (isWanted) this.#sender.beginHandshakeSoon(peer, now);
  }
}

/**
 * Compares the wall clock with the monotonic one. They go at one pace, unless the wall clock was
 * set, or the machine slept or was restored from a snapshot, where the monotonic clock stands still
 * or goes on from an old moment: then the ages of sessions are not what they seem, and a counter
 * may have been used by another copy of this memory.
 *
 * Two copies that go on within CLOCK_JUMP of each other by both clocks cannot be told apart.
 */
export class ClockWatch {
  readonly #wallClock: WallClock;
  /** The expected wall clock minus monotonic clock, in ms; undefined before the first call. */
  #offset: number | undefined;
  #lookedAt = 0;

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock;
  }

  /**
   * Returns the clock jump. Call it with each input before processing the input.
   *
   * @returns how many ms the wall clock moved against `now` since the last jump or the first call;
   * negative if it moved back; 0 if it moved by less than CLOCK_JUMP
   */
  jump(now: number): number {
    const offset = this.#wallClock.unixMilliseconds() - now;
    const known = (this.#offset ??= offset);
    const moved = offset - known;
    const passed = Math.max(0, now - this.#lookedAt);
    this.#lookedAt = now;
    if (Math.abs(moved) >= CLOCK_JUMP) {
      this.#offset = offset;
      return moved;
    }
    // Two oscillators always drift. This tolerates about 0.1 s over a session's lifetime.
    const forgiven = passed * CLOCK_DRIFT;
    this.#offset = known + Math.max(-forgiven, Math.min(moved, forgiven));
    return 0;
  }
}
