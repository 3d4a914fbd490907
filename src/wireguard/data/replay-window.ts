/**
 * Anti-replay algorithm without bit shifting (RFC 6479): a ring of bits, one per counter. As in the
 * Linux kernel, the ring has 8192 bits, which cover the last 8128 counters (whitepaper 5.4.6).
 */
import { REJECT_AFTER_MESSAGES } from '../constants.js';

const BITS_TOTAL = 8_192;
const WORD_BITS = 32;
const WORDS = BITS_TOTAL / WORD_BITS;

/** The initial number of words, which is enough for most sessions of an idle tunnel. */
const FEWEST_WORDS = 16;

/** Counters more than this far below the highest accepted counter are refused. */
export const REPLAY_WINDOW_SIZE = BITS_TOTAL - 64;

export class ReplayWindow {
  #bits = new Int32Array(FEWEST_WORDS);
  /** The highest accepted counter plus one; 0 before the first message. */
  #next = 0;
  #accepted = 0;

  /** The number of messages that the peer has sent, according to the highest counter. */
  get sent(): number {
    return this.#next;
  }

  /** The number of distinct messages that have arrived. */
  get accepted(): number {
    return this.#accepted;
  }

  /**
   * Marks `counter` as seen and returns whether it was new. Must be called only after the message
   * is authenticated; otherwise, anyone could move the window.
   */
  accept(counter: number): boolean {
    if (counter >= REJECT_AFTER_MESSAGES) return false;
    // Positions start at 1, because all bits of a new window must mean that the counter is new.
    const position = counter + 1;
    if (position + REPLAY_WINDOW_SIZE < this.#next) return false;
    const word = Math.floor(position / WORD_BITS);
    if (word >= this.#bits.length && this.#bits.length < WORDS) this.#grow();
    if (position > this.#next) {
      this.#clearAhead(Math.floor(this.#next / WORD_BITS), word);
      this.#next = position;
    }
    const index = word % WORDS;
    const bit = 1 << (position % WORD_BITS);
    const seen = this.#bits[index]! & bit;
    this.#bits[index]! |= bit;
    if (seen === 0) this.#accepted++;
    return seen === 0;
  }

  #grow(): void {
    const bits = new Int32Array(WORDS);
    bits.set(this.#bits);
    this.#bits = bits;
  }

  #clearAhead(from: number, to: number): void {
    const words = Math.min(to - from, WORDS);
    for (let step = 1; step <= words; step++) this.#bits[(from + step) % WORDS] = 0;
  }
}
