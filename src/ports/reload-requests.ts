/** The port through which somebody asks for the configuration to be read again. */
export interface ReloadRequests {
  /**
   * Calls `handler` at each request from now on, and once for those that have come already. Another
   * handler takes the place of this one.
   */
  onRequest(handler: () => void): void;
}
