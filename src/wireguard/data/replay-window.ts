/**
 * Anti-replay without bit shifting (RFC 6479): a ring of bits, one per counter. As in the kernel,
 * 8192 bits of which the last 8128 counters are told apart (whitepaper 5.4.6).
 */
import { REJECT_AFTER_MESSAGES } from '../constants.js';

const BITS_TOTAL = 8_192;
const WORD_BITS = 32;
const WORDS = BITS_TOTAL / WORD_BITS;

/** A counter this far behind the highest one seen is refused. */
export const REPLAY_WINDOW_SIZE = BITS_TOTAL - 64;

export class ReplayWindow {
  readonly #bits = new Int32Array(WORDS);
  /** One more than the highest counter accepted; 0 before the first. */
  #next = 0;
  #accepted = 0;

  /** Messages that the other end has sent, as far as the highest counter tells. */
  get sent(): number {
    return this.#next;
  }

  /** Those of them that came, each counted once. */
  get accepted(): number {
    return this.#accepted;
  }

  /**
   * Whether `counter` is new; it is then marked as seen. Call it only after the message has been
   * authenticated, or anybody could move the window.
   */
  accept(counter: number): boolean {
    if (counter >= REJECT_AFTER_MESSAGES) return false;
    // Positions begin at 1, so that the fresh window holds no counter as seen.
    const position = counter + 1;
    if (position + REPLAY_WINDOW_SIZE < this.#next) return false;
    const word = Math.floor(position / WORD_BITS);
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

  #clearAhead(from: number, to: number): void {
    const words = Math.min(to - from, WORDS);
    for (let step = 1; step <= words; step++) this.#bits[(from + step) % WORDS] = 0;
  }
}
