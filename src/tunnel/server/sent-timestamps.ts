/**
 * The TAI64N stamps that were sent with our key, each key's in its own record (whitepaper 5.1): a server
 * that has seen a later one from an earlier process would be silent.
 */
import type { TimestampRecord, TimestampStore } from '../../ports/timestamp-store.js';

export class SentTimestamps {
  readonly #store: TimestampStore | undefined;
  #record: TimestampRecord | undefined;

  private constructor(store: TimestampStore | undefined, record: TimestampRecord | undefined) {
    this.#store = store;
    this.#record = record;
  }

  /**
   * @param store absent: nothing is kept
   * @param publicKey ours
   */
  static async open(
    store: TimestampStore | undefined,
    publicKey: Uint8Array,
  ): Promise<SentTimestamps> {
    return new SentTimestamps(store, await store?.open(publicKey));
  }

  /** The last one of an earlier process with our key. */
  get last(): Uint8Array | undefined {
    return this.#record?.last;
  }

  /** Keeps a stamp that is about to be sent with our key. */
  save(timestamp: Uint8Array): void {
    this.#record?.save(timestamp);
  }

  /**
   * Reads the record of a key that is to be ours.
   *
   * @returns to be called together with the change of the key: its record is the one from then on
   */
  async prepare(publicKey: Uint8Array): Promise<() => void> {
    const record = await this.#store?.open(publicKey);
    return () => {
      this.#record = record;
    };
  }
}
