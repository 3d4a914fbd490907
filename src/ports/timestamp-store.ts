/** Keeps the last TAI64N stamp sent with a key from one process to the next (whitepaper 5.1). */
export interface TimestampStore {
  /**
   * @param publicKey ours, 32 bytes
   * @returns what an earlier process kept; a record that cannot be read or written is a warning in
   *   the log, once, and never an error
   */
  open(publicKey: Uint8Array): Promise<TimestampRecord>;
}

export interface TimestampRecord {
  /** 12 bytes, or undefined where nothing was kept. */
  readonly last: Uint8Array | undefined;
  /** Kept when it returns: a stamp is sent right behind it. Never throws. */
  save(timestamp: Uint8Array): void;
}
