/** A key that this process uses, until close() or the process's end. */
export interface KeyClaim {
  close(): Promise<void>;
}

/** Which process of this machine uses a WireGuard key. */
export interface KeyClaims {
  /**
   * Takes a key for this process: of several that try at the same moment, one gets it.
   *
   * @param describe makes the line, without its end, that others read of the holder
   * @returns undefined if another process holds it
   * @throws Error with the system's `code` if this machine cannot keep claims
   */
  take(publicKey: Uint8Array, describe: () => string): Promise<KeyClaim | undefined>;
  /**
   * The line of the process that holds a key; undefined if none does.
   *
   * @throws Error with the system's `code`: EACCES if its user hides it, ETIMEDOUT if it does not answer
   */
  holder(publicKey: Uint8Array): Promise<string | undefined>;
}
