/**
 * The TAI64N timestamps sent with the tunnel's key, with one record for each key. A server does not
 * answer if an earlier process has sent a later timestamp (whitepaper 5.1).
 */
import type { TimestampRecord, TimestampStore } from '../../ports/stores/timestamp-store.js';

export class SentTimestamps {
  readonly #store: TimestampStore | undefined;
  #record: TimestampRecord | undefined;

  private constructor(store: TimestampStore | undefined, record: TimestampRecord | undefined) {
    this.#store = store;
    this.#record = record;
  }

  /**
   * @param store where to store the timestamps; if absent, they are not stored
   * @param publicKey the tunnel's own public key
   */
  static async open(
    store: TimestampStore | undefined,
    publicKey: Uint8Array,
  ): Promise<SentTimestamps> {
    return new SentTimestamps(store, await store?.open(publicKey));
  }

  /** The last timestamp that an earlier process sent with this key. */
  get last(): Uint8Array | undefined {
    return this.#record?.last;
  }

  /** Stores a timestamp that is about to be sent with this key. */
  save(timestamp: Uint8Array): void {
    this.#record?.save(timestamp);
  }

  /**
   * Reads the record for the tunnel's next key.
   *
   * @returns a function that switches to that key's record; call it when the key changes
   */
  async prepare(publicKey: Uint8Array): Promise<() => void> {
    const record = await this.#store?.open(publicKey);
    return () => {
      this.#record = record;
    };
  }
}
