/**
 * Why a connection ended.
 *
 * - `normal`: both directions were closed and all was acknowledged
 * - `reset`: the peer sent RST
 * - `refused`: RST in answer to our SYN
 * - `timeout`: no answer to SYN, data or keepalive in the time allowed
 * - `unreachable`: ICMP said so in answer to our SYN
 * - `address-gone`: our address is not ours any more
 * - `aborted`: abort() was called, or the stack was closed
 */
export type CloseReason =
  'normal' | 'reset' | 'refused' | 'timeout' | 'unreachable' | 'address-gone' | 'aborted';

/**
 * What happens to a connection. Called synchronously at the end of handlePacket, handleTimeout or
 * abort, when the connection's own state is consistent: any call on it is allowed.
 */
export interface TcpObserver {
  /** The handshake is complete; for an accepted connection called right after it was handed out. */
  established(): void;
  /** More bytes are there to receive. Not repeated for bytes that were left unread. */
  readable(): void;
  /** A send() had taken less than asked, and a quarter of the buffer is free again, or 256 KiB. */
  writable(): void;
  /** The peer has closed its direction; all it sent before is readable. */
  remoteClosed(): void;
  /** The end; the last call. What was received before can still be read unless we aborted. */
  closed(reason: CloseReason): void;
}
