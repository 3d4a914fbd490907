/** Stores the last TAI64N timestamp sent with a key, for the next process (whitepaper 5.1). */
export interface TimestampStore {
  /**
   * Opens the record of a key. If the record cannot be read or written, logs one warning and does
   * not throw.
   * @param publicKey the local public key, 32 bytes
   */
  open(publicKey: Uint8Array): Promise<TimestampRecord>;
}

export interface TimestampRecord {
  /** The stored timestamp, 12 bytes; undefined if none was stored. */
  readonly last: Uint8Array | undefined;
  /** Stores a timestamp synchronously, because it is sent immediately afterwards. Never throws. */
  save(timestamp: Uint8Array): void;
}
