/** The port for requests to reload the configuration. */
export interface ReloadRequests {
  /**
   * Calls `handler` for each future request, and once for all requests that have already arrived.
   * Replaces the previous handler.
   */
  onRequest(handler: () => void): void;
}
