/**
 * Handshake messages of strangers that wait to be read. Each turn of the event loop reads at most
 * STRANGERS_PER_TURN of them, after all data, so that a burst of handshakes does not delay data.
 */
import type { Endpoint } from '../../ports/datagram.js';

/** The number of messages to read in one turn, at about 0.1 ms each. */
export const STRANGERS_PER_TURN = 8;

/** The maximum number of waiting messages, of at most 148 bytes each. */
export const MAX_STRANGERS = 512;

interface StrangersMessage {
  readonly bytes: Uint8Array;
  readonly source: Endpoint;
}

export class StrangerQueue {
  readonly #messages: StrangersMessage[] = [];

  get length(): number {
    return this.#messages.length;
  }

  /**
   * Adds a copy of a message, because `bytes` may be a view into the memory of a whole batch.
   *
   * @returns false if the queue is full
   */
  push(bytes: Uint8Array, source: Endpoint): boolean {
    if (this.#messages.length >= MAX_STRANGERS) return false;
    this.#messages.push({ bytes: bytes.slice(), source });
    return true;
  }

  /** Removes and returns the messages to read in this turn, oldest first. */
  takeTurn(): readonly StrangersMessage[] {
    return this.#messages.splice(0, STRANGERS_PER_TURN);
  }

  clear(): void {
    this.#messages.length = 0;
  }
}
