/** Detects clock jumps and ends the sessions that must not be used afterwards. */
import type { WallClock } from '../ports/clock.js';
import { CLOCK_DRIFT, CLOCK_JUMP, REKEY_TIMEOUT } from './constants.js';
import type { DeviceContext } from './context.js';
import type { Peer } from './peer.js';
import type { Sender } from './data/send.js';

/**
 * Ends sessions after a clock jump, before any input is processed. A clone of this process's memory
 * must not reuse counters, and a key that is older than it seems must not be used.
 */
export class ClockJump {
  readonly #context: DeviceContext;
  readonly #sender: Sender;
  readonly #clockWatch: ClockWatch;
  /** When a clock jump last lifted the limit on initiations. */
  #jumpedAt = -Infinity;
  /** The sum of all jumps, in ms, and the highest value that this sum has reached. */
  #lead = 0;
  #farthestLead = 0;

  constructor(context: DeviceContext, sender: Sender) {
    this.#context = context;
    this.#sender = sender;
    this.#clockWatch = new ClockWatch(context.wallClock);
  }

  /** Checks for a clock jump; called before each input is processed. */
  check(now: number): void {
    const by = this.#clockWatch.jump(now);
    if (by === 0) return;
    const slept = this.#sleptBy(by);
    const peers = [...this.#context.peers.values()];
    // Time asleep counts toward the interval between initiations (§6.1), although the monotonic
    // clock stood still.
    for (const peer of peers) peer.lastSentHandshake -= slept;
    const ended = peers.filter((peer) => !this.#outlives(peer, by, now));
    if (ended.length === 0 && peers.length > 0) return;
    // A jump lifts the limit on initiations (§6.1), unless another jump did so less than
    // REKEY_TIMEOUT ago.
    const isLimited = now - this.#jumpedAt < REKEY_TIMEOUT;
    if (!isLimited) this.#jumpedAt = now;
    for (const peer of ended) this.#end(peer, isLimited, now);
    this.#context.events.push({ type: 'clock-jumped', by });
  }

  /**
   * Returns by how many ms the wall clock's lead over the monotonic clock exceeds the previous
   * maximum of that lead. Moving the wall clock back and forth thus does not count as sleep.
   */
  #sleptBy(jump: number): number {
    const before = this.#farthestLead;
    this.#lead += jump;
    this.#farthestLead = Math.max(before, this.#lead);
    return this.#farthestLead - before;
  }

  /** Whether the peer's session survives the jump; if so, adds `by` ms to the session's age. */
  #outlives(peer: Peer, by: number, now: number): boolean {
    const { current } = peer.keypairs;
    if (this.#context.sessionsOutliveSleep !== true || by < 0) return false;
    if (current?.canSend(now + by) !== true) return false;
    peer.sleptFor(by);
    return true;
  }

  #end(peer: Peer, isLimited: boolean, now: number): void {
    const { lastSentHandshake } = peer;
    // Check this first: waiting packets still need a handshake, and the next retry may be seconds
    // away.
    const isWanted = peer.isHandshakeWanted;
    peer.discardSessions();
    if (isLimited) peer.lastSentHandshake = lastSentHandshake;
    peer.timers.start(now);
    if (isWanted) this.#sender.beginHandshakeSoon(peer, now);
  }
}

/**
 * Compares the wall clock with the monotonic clock. Both clocks advance at the same rate unless the
 * wall clock was set, the machine slept, or the machine was restored from a snapshot. During sleep,
 * the monotonic clock stands still; after a restore, it continues from an old time. After either
 * event, sessions are older than they seem; after a restore, another copy of this memory may have
 * used the same counters.
 *
 * If two copies resume with both clocks less than CLOCK_JUMP apart, they cannot be distinguished.
 */
export class ClockWatch {
  readonly #wallClock: WallClock;
  /** The expected wall clock minus the monotonic clock, in ms; undefined before the first call. */
  #offset: number | undefined;
  #lookedAt = 0;

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock;
  }

  /**
   * Returns the clock jump; called before each input is processed.
   *
   * @returns how many ms the wall clock moved relative to `now` since the last jump or the first
   * call; negative if it moved back; 0 for less than CLOCK_JUMP
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
    // Tolerate drift between the clocks: about 0.1 s over a session's lifetime.
    const forgiven = passed * CLOCK_DRIFT;
    this.#offset = known + Math.max(-forgiven, Math.min(moved, forgiven));
    return 0;
  }
}
