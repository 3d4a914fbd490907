/**
 * Handles clock jumps (see clock-watch.ts): ends sessions, or ages them by the duration of a sleep.
 */
import { ClockWatch } from './clock-watch.js';
import { REKEY_TIMEOUT } from './constants.js';
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
