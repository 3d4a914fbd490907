/**
 * Whether we are under load (whitepaper 5.3), as a function of handshake messages and their times.
 *
 * The kernel is under load while its queue holds 512 messages or more, and one second beyond. A
 * synchronous core has no queue, so the meter keeps the length of an imagined one: each message
 * with a valid mac1 adds one, and it drains at a fixed rate, about what one core can answer.
 * Messages without a valid mac1 cost next to nothing and must not turn cookies on.
 *
 * It grows no longer than that: what comes under load is answered by a cookie or dropped, and does
 * not wait, so that a flood is over when it ends, however long it was.
 */

/** Handshakes per millisecond that leave the imagined queue. */
const DRAIN_RATE = 0.5;

/** Length from which on we are under load: an eighth of the kernel's MAX_QUEUED_INCOMING_HANDSHAKES. */
export const UNDER_LOAD_LENGTH = 512;

/** Once under load, it stays so for this long after the queue has shortened. */
const STICKY_TIME = 1_000;

export class LoadMeter {
  #length = 0;
  #updatedAt = -Infinity;
  #lastUnderLoadAt = -Infinity;

  /** Call it for each handshake message with a valid mac1. True where it wants a valid mac2 too. */
  messageArrived(now: number): boolean {
    const drained = (now - this.#updatedAt) * DRAIN_RATE;
    this.#length = Math.min(UNDER_LOAD_LENGTH, Math.max(0, this.#length - drained) + 1);
    this.#updatedAt = now;
    if (this.#length >= UNDER_LOAD_LENGTH) this.#lastUnderLoadAt = now;
    return now - this.#lastUnderLoadAt < STICKY_TIME;
  }
}
