/** Resolves host names outside of the tunnel. */
export interface Resolver {
  /**
   * All addresses of a name, IPv4 and IPv6; an IP literal is its own address. Settles in bounded time.
   * @param signal ends the wait, with its reason
   * @throws Error with the system's `code` (ENOTFOUND, EAI_AGAIN …)
   */
  resolve(host: string, signal?: AbortSignal): Promise<Resolution>;
}

export interface Resolution {
  /** IP texts in the system's order. */
  readonly addresses: readonly string[];
  /** Milliseconds for which they hold; Infinity for an IP literal. */
  readonly ttl: number;
}
