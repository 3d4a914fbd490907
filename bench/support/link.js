/**
 * One direction of a path: a bottleneck with a bounded queue, then a wire with a delay that loses and
 * reorders. It decides when a datagram arrives and keeps no datagram; times are ms, given in as `now`.
 */

/** IPv4 and UDP headers: the rate is that of IP packets. */
const HEADERS = 20 + 8;

/** A datagram that is reordered arrives this much later, uniformly between the two. */
const REORDERED_BY = [1, 4];

export const QUEUE_FULL = -1;
export const LOST = -2;

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export class Link {
  passed = 0;
  lost = 0;
  dropped = 0;
  reordered = 0;
  /** What the newest datagram waited for in the queue. */
  queueDelay = 0;
  /** Whether the newest datagram may be overtaken. */
  isLate = false;
  #rate;
  #delay;
  #queue;
  #loss;
  #reorder;
  #random;
  #freeAt = -Infinity;

  /**
   * @param options `rate` in Mbit/s, 0 without a bottleneck; `delay` one way, in ms; `queue` in ms at
   *   that rate; `loss` and `reorder` as parts of 1; `random` uniform in [0, 1)
   */
  constructor({ rate, delay, queue, loss, reorder, random }) {
    this.#rate = (rate * 1e6) / 8 / 1000;
    this.#delay = delay;
    this.#queue = queue;
    this.#loss = loss;
    this.#reorder = reorder;
    this.#random = random;
  }

  /**
   * Takes a datagram of so many bytes of payload.
   *
   * @returns when it arrives, or QUEUE_FULL, or LOST
   */
  send(bytes, now) {
    const departure = this.#serialize(bytes + HEADERS, now);
    if (departure === undefined) {
      this.dropped++;
      return QUEUE_FULL;
    }
    // Each draw is made for each datagram, so that one setting does not move the draws of another.
    const isLost = this.#random() < this.#loss;
    this.isLate = this.#random() < this.#reorder;
    const by = this.#random();
    // What is lost has taken its time at the bottleneck.
    if (isLost) {
      this.lost++;
      return LOST;
    }
    this.passed++;
    const arrival = departure + this.#delay;
    if (!this.isLate) return arrival;
    this.reordered++;
    return arrival + REORDERED_BY[0] + by * (REORDERED_BY[1] - REORDERED_BY[0]);
  }

  /** When the last bit leaves the bottleneck; undefined where the queue is full. */
  #serialize(bytes, now) {
    this.queueDelay = 0;
    if (this.#rate === 0) return now;
    const start = Math.max(now, this.#freeAt);
    this.queueDelay = start - now;
    if (this.queueDelay > this.#queue) return undefined;
    this.#freeAt = start + bytes / this.#rate;
    return this.#freeAt;
  }
}
