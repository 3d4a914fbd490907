/** Bounds of a stack; each has a default. Sizes in bytes, times in milliseconds. */
export interface StackLimits {
  /** TCP connections at once, half-open ones included, TIME-WAIT not. */
  readonly connections: number;
  /** Connections kept in TIME-WAIT; the oldest makes room. */
  readonly timeWaits: number;
  /** The most that one connection buffers for sending. */
  readonly sendBuffer: number;
  /** The most that one connection buffers for receiving; the largest window it offers. */
  readonly receiveBuffer: number;
  /** All TCP buffers together, beyond the first 16 KiB each of them. */
  readonly bufferBytes: number;
  /** UDP datagrams and echoes that wait to be sent. */
  readonly queuedDatagrams: number;
  /** Datagrams of which fragments are missing; the oldest makes room. */
  readonly reassemblies: number;
  /** What they hold together. */
  readonly reassemblyBytes: number;
  /** Milliseconds for a handshake, where connectTcp names no other. */
  readonly connectTimeout: number;
  /** Milliseconds without progress after which a connection ends: RFC 9293 3.8.3. */
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
