/** This process's claim on a key. It lasts until close() is called or the process exits. */
export interface KeyClaim {
  close(): Promise<void>;
}

/** Tracks which process on this machine uses a WireGuard key. */
export interface KeyClaims {
  /**
   * Claims a key for this process. If several processes try at the same time, only one succeeds.
   *
   * @param describe returns one line that describes the holder to other processes
   * @returns undefined if another process holds the key
   * @throws Error with the system's `code` if this machine does not support claims
   */
  take(publicKey: Uint8Array, describe: () => string): Promise<KeyClaim | undefined>;
  /**
   * Returns the line that describes the key's holder; undefined if no process holds the key.
   *
   * @throws Error with the system's `code`: EACCES if the holder's user denies access, ETIMEDOUT if
   * the holder does not answer
   */
  holder(publicKey: Uint8Array): Promise<string | undefined>;
}
