/** The datagrams that an engine has to send. Their objects are used again, like slots. */
import type { Datagram, Endpoint } from '../ports/datagram.js';

/** The maximum number of objects that are kept for later datagrams. */
const MAX_FREE = 1_024;

const NOTHING: readonly Datagram[] = [];
const NO_BYTES = new Uint8Array();
const NO_ENDPOINT: Endpoint = { address: '', port: 0 };

class Transmit implements Datagram {
  bytes: Uint8Array = NO_BYTES;
  endpoint = NO_ENDPOINT;
  trafficClass = 0;
  isSourceInDoubt = false;
}

/** All engines of a thread share the free objects, because few of them send at the same time. */
const free: Transmit[] = [];

export class Transmits {
  /** The datagrams since the last take(). */
  #waiting: Transmit[] = [];
  /** The datagrams that take() has returned and that may be in use. */
  #taken: Transmit[] = [];

  get length(): number {
    return this.#waiting.length;
  }

  add(bytes: Uint8Array, endpoint: Endpoint, trafficClass: number, isSourceInDoubt: boolean): void {
    const transmit = free.pop() ?? new Transmit();
    transmit.bytes = bytes;
    transmit.endpoint = endpoint;
    transmit.trafficClass = trafficClass;
    transmit.isSourceInDoubt = isSourceInDoubt;
    this.#waiting.push(transmit);
  }

  /**
   * Returns the datagrams since the last call. They are valid until recycle(), and the array until
   * recycle() or the next call.
   */
  take(): readonly Datagram[] {
    const batch = this.#waiting;
    if (batch.length === 0) return NOTHING;
    if (this.#taken.length === 0) {
      this.#waiting = this.#taken;
      this.#taken = batch;
      return batch;
    }
    this.#waiting = [];
    // A socket may never be flushed during a long upload. The garbage collector then frees what it
    // has sent, so this list must not refer to all of it.
    if (this.#taken.length + batch.length <= MAX_FREE) this.#taken.push(...batch);
    return batch;
  }

  /** Allows the datagrams that take() has returned to be used again. */
  recycle(): void {
    for (let transmit = this.#taken.pop(); transmit; transmit = this.#taken.pop()) {
      if (free.length >= MAX_FREE) continue;
      // A free object must not keep memory or an address.
      transmit.bytes = NO_BYTES;
      transmit.endpoint = NO_ENDPOINT;
      free.push(transmit);
    }
  }
}
