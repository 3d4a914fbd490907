/**
 * Decides from the arrival times of handshake messages whether the device is under load (whitepaper
 * 5.3).
 *
 * The Linux kernel is under load while its queue holds 512 messages or more, and for one second
 * afterwards. The meter simulates such a queue, because the real one (stranger-queue.ts) also holds
 * messages without a valid mac1. Each message with a valid mac1 adds one entry, and the queue drains
 * at a fixed rate, which is about as fast as one CPU core can answer. Messages without a valid mac1 require almost no CPU time and
 * must not trigger cookies.
 *
 * The simulated queue stops growing at the threshold. Under load, messages are dropped or answered
 * with a cookie instead of waiting, so the load ends soon after a flood ends.
 */

/** The drain rate of the simulated queue, in handshakes per millisecond. */
const DRAIN_RATE = 0.5;

/** The queue length at which load begins: 1/8 of Linux's MAX_QUEUED_INCOMING_HANDSHAKES. */
export const UNDER_LOAD_LENGTH = 512;

/** How long the device stays under load after the queue falls below the threshold, in ms. */
const STICKY_TIME = 1_000;

export class LoadMeter {
  #length = 0;
  #updatedAt = -Infinity;
  #lastUnderLoadAt = -Infinity;

  /**
   * Counts a handshake message with a valid mac1. Returns true if a valid mac2 is also required.
   */
  messageArrived(now: number): boolean {
    const drained = (now - this.#updatedAt) * DRAIN_RATE;
    this.#length = Math.min(UNDER_LOAD_LENGTH, Math.max(0, this.#length - drained) + 1);
    this.#updatedAt = now;
    if (this.#length >= UNDER_LOAD_LENGTH) this.#lastUnderLoadAt = now;
    return this.isUnderLoad(now);
  }

  isUnderLoad(now: number): boolean {
    return now - this.#lastUnderLoadAt < STICKY_TIME;
  }
}
