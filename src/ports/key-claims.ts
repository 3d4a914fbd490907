/** A claim on a key by this process, until close() or until the process exits. */
export interface KeyClaim {
  close(): Promise<void>;
}

/** Tracks which process of this machine uses a WireGuard key. */
export interface KeyClaims {
  /**
   * Claims a key for this process. If several processes try at once, only one succeeds.
   *
   * @param describe returns one line, without a line break, that describes the holder to other
   * processes
   * @returns undefined if another process holds the key
   * @throws Error with the system's `code` if this machine does not support claims
   */
  take(publicKey: Uint8Array, describe: () => string): Promise<KeyClaim | undefined>;
  /**
   * Returns the line of the process that holds a key, or undefined if no process does.
   *
   * @throws Error with the system's `code`: EACCES if the holder's user denies access, ETIMEDOUT if
   * the holder does not answer
   */
  holder(publicKey: Uint8Array): Promise<string | undefined>;
}
