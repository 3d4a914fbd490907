/** The limits of a stack; the defaults are below. Sizes are in octets, times in milliseconds. */
export interface StackLimits {
  /** The maximum number of TCP connections, including half-open ones but not those in TIME-WAIT. */
  readonly connections: number;
  /** The maximum number of connections in TIME-WAIT; at the limit, a new one evicts the oldest. */
  readonly timeWaits: number;
  /** The maximum send buffer of a connection. */
  readonly sendBuffer: number;
  /** The maximum receive buffer of a connection, and therefore its maximum window. */
  readonly receiveBuffer: number;
  /**
   * The maximum total size of all TCP buffers, not counting the first 16 KiB of each, rounded up to
   * full segments.
   */
  readonly bufferBytes: number;
  /** The maximum number of UDP datagrams and echoes waiting to be sent. */
  readonly queuedDatagrams: number;
  /** The maximum number of incomplete datagrams; at the limit, a new one evicts the oldest. */
  readonly reassemblies: number;
  /** The maximum total memory for incomplete datagrams. */
  readonly reassemblyBytes: number;
  /** The default handshake timeout; connectTcp() can override it. */
  readonly connectTimeout: number;
  /** A connection ends after this time without progress (RFC 9293 3.8.3). */
  readonly userTimeout: number;
}

export const DEFAULT_LIMITS: StackLimits = {
  connections: 4096,
  timeWaits: 4096,
  sendBuffer: 8 * 1024 * 1024,
  receiveBuffer: 8 * 1024 * 1024,
  bufferBytes: 256 * 1024 * 1024,
  queuedDatagrams: 1024,
  reassemblies: 64,
  reassemblyBytes: 1024 * 1024,
  connectTimeout: 20_000,
  userTimeout: 120_000,
};
