/** Stores the last TAI64N timestamp sent with a key, for the next process (whitepaper 5.1). */
export interface TimestampStore {
  /**
   * Opens the record of a key. If it cannot be read or written, one warning is logged, and no error
   * is thrown.
   *
   * @param publicKey the local public key, 32 bytes
   */
  open(publicKey: Uint8Array): Promise<TimestampRecord>;
}

export interface TimestampRecord {
  /** The stored timestamp, 12 bytes, or undefined if none was stored. */
  readonly last: Uint8Array | undefined;
  /** Stores a timestamp synchronously, because it is sent immediately afterwards. Never throws. */
  save(timestamp: Uint8Array): void;
}
