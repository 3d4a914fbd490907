/**
 * One direction of a path: a bottleneck with a bounded queue, then a wire that delays, loses and
 * reorders datagrams. The link computes arrival times but stores no datagrams; all times, including
 * `now`, are in ms.
 */

/** The size of IPv4 and UDP headers, because the rate includes them. */
const HEADERS = 20 + 8;

/** The minimum and maximum extra delay of a reordered datagram in ms, uniformly distributed. */
const REORDERED_BY = [1, 4];

export const QUEUE_FULL = -1;
export const LOST = -2;

/** Returns a generator of uniform values in [0, 1), deterministic for a seed (mulberry32). */
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
  /** The queueing delay of the newest datagram. */
  queueDelay = 0;
  /** Whether other datagrams may overtake the newest one. */
  isLate = false;
  #rate;
  #delay;
  #queue;
  #loss;
  #reorder;
  #random;
  #freeAt = -Infinity;

  /**
   * @param options `rate` in Mbit/s, 0 without a bottleneck; `delay` one way, in ms; `queue` in ms
   * at that rate; `loss` and `reorder` from 0 to 1; `random` uniform in [0, 1)
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
   * Sends a datagram with `bytes` bytes of payload.
   *
   * @returns the arrival time, QUEUE_FULL or LOST
   */
  send(bytes, now) {
    const departure = this.#serialize(bytes + HEADERS, now);
    if (departure === undefined) {
      this.dropped++;
      return QUEUE_FULL;
    }
    // Draw all random numbers for each datagram, so that one setting does not affect the draws for
    // another.
    const isLost = this.#random() < this.#loss;
    this.isLate = this.#random() < this.#reorder;
    const by = this.#random();
    // A lost datagram still occupies the bottleneck.
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

  /** Returns when the last bit leaves the bottleneck; undefined if the queue is full. */
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
