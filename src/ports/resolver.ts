/** Resolves host names outside the tunnel. */
export interface Resolver {
  /**
   * Returns all IPv4 and IPv6 addresses of a name. An IP literal resolves to itself. Settles within
   * a limited time.
   * @param signal aborts the wait; the promise then rejects with the abort reason
   * @throws Error with the system's `code` (ENOTFOUND, EAI_AGAIN …)
   */
  resolve(host: string, signal?: AbortSignal): Promise<Resolution>;
}

export interface Resolution {
  /** IP addresses as strings, in the system's order. */
  readonly addresses: readonly string[];
  /** The time for which the addresses are valid, in milliseconds; Infinity for an IP literal. */
  readonly ttl: number;
}
