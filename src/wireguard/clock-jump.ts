/** What a jump of the clocks (clock-watch.ts) does to the sessions. */
import { ClockWatch } from './clock-watch.js';
import { REKEY_TIMEOUT } from './constants.js';
import type { DeviceContext } from './context.js';
import type { Peer } from './peer.js';
import type { Sender } from './data/send.js';

/**
 * A counter that was used before this memory was copied, or a key older than it seems, must not be
 * used again: sessions end before anything else is done.
 */
export class ClockJump {
  readonly #context: DeviceContext;
  readonly #sender: Sender;
  readonly #clockWatch: ClockWatch;
  /** When the clocks last parted and initiations were allowed at once. */
  #jumpedAt = -Infinity;
  /** All jumps together, in ms, and the most that they ever were. */
  #lead = 0;
  #farthestLead = 0;

  constructor(context: DeviceContext, sender: Sender) {
    this.#context = context;
    this.#sender = sender;
    this.#clockWatch = new ClockWatch(context.wallClock);
  }

  /** To be called with each input, before anything is made of it. */
  check(now: number): void {
    const by = this.#clockWatch.jump(now);
    if (by === 0) return;
    const slept = this.#sleptBy(by);
    const peers = [...this.#context.peers.values()];
    // What was slept is time between initiations (6.1), however little of it the monotonic clock saw.
    for (const peer of peers) peer.lastSentHandshake -= slept;
    const ended = peers.filter((peer) => !this.#outlives(peer, by, now));
    if (ended.length === 0 && peers.length > 0) return;
    // 6.1: the first jump lifts the limit on initiations; clocks that quarrel must not do away with it.
    const isLimited = now - this.#jumpedAt < REKEY_TIMEOUT;
    if (!isLimited) this.#jumpedAt = now;
    for (const peer of ended) this.#end(peer, isLimited, now);
    this.#context.events.push({ type: 'clock-jumped', by });
  }

  /** How far, in ms, the wall clock is ahead of where it ever was: one that goes to and fro gains nothing. */
  #sleptBy(jump: number): number {
    const before = this.#farthestLead;
    this.#lead += jump;
    this.#farthestLead = Math.max(before, this.#lead);
    return this.#farthestLead - before;
  }

  /** Whether the session stays, which is older now than the monotonic clock says. */
  #outlives(peer: Peer, by: number, now: number): boolean {
    const { current } = peer.keypairs;
    if (this.#context.sessionsOutliveSleep !== true || by < 0) return false;
    if (current?.canSend(now + by) !== true) return false;
    peer.sleptFor(by);
    return true;
  }

  #end(peer: Peer, isLimited: boolean, now: number): void {
    const { lastSentHandshake } = peer;
    // What waited for a handshake is still wanted; the next retry may be seconds away.
    const isWanted = peer.isHandshakeWanted;
    peer.discardSessions();
    if (isLimited) peer.lastSentHandshake = lastSentHandshake;
    peer.timers.start(now);
    if (isWanted) this.#sender.beginHandshakeSoon(peer, now);
  }
}
