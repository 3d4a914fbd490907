/**
 * Why a connection ended.
 *
 * - `normal`: both directions were closed and all data was acknowledged
 * - `reset`: the peer sent an RST
 * - `refused`: the peer answered the SYN with an RST
 * - `timeout`: a SYN, data or keep-alive probes were not answered in time
 * - `unreachable`: an ICMP error answered the SYN
 * - `address-gone`: the local address was removed
 * - `aborted`: abort() was called, or the stack was closed
 */
export type CloseReason =
  'normal' | 'reset' | 'refused' | 'timeout' | 'unreachable' | 'address-gone' | 'aborted';

/**
 * Receives the events of a connection. The methods are called synchronously at the end of
 * handlePacket, handleTimeout or abort. The connection's state is then consistent, so an observer
 * may call any method of the connection.
 */
export interface TcpObserver {
  /** The handshake is complete. For accepted connections, called after the connection handler. */
  established(): void;
  /** New data can be received. Not called again for data that was left unread. */
  readable(): void;
  /**
   * Called if an earlier send() accepted only part of its data, and a quarter of the buffer or 256
   * KiB is free again.
   */
  writable(): void;
  /** The peer has closed its sending direction. All data from the peer can be read. */
  remoteClosed(): void;
  /**
   * The connection has ended; this is the last call. Received data can still be read, unless
   * abort() was called.
   */
  closed(reason: CloseReason): void;
}
