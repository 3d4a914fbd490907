import type { TcpConnection, TcpObserver } from '../../engine/netstack-engine.js';

export type CloseReason = Parameters<TcpObserver['closed']>[0];

/** What a connection needs to know about the peer through which it was dialed. */
export interface PeerLink {
  /** Whether the tunnel still has this peer, and its budget allows another request. */
  readonly isCurrent: () => boolean;
  /** The number of bytes received from the peer so far. */
  readonly received: () => number;
  /** Starts a handshake with the peer, which seems to have lost its session. */
  readonly suspect: () => void;
  /** Explains the peer's silence. */
  readonly silenceError: () => Error;
}

/** A dialed connection, which stores its events until a stream takes it over. */
export class DialledConnection {
  /** The TCP connection; undefined before the dial has begun. */
  connection: TcpConnection | undefined;
  /** Whether the peer has sent FIN. */
  hasEnded = false;
  /** The peer through which the connection was dialed; undefined before the dial has begun. */
  link: PeerLink | undefined;
  /** Why the connection ended; undefined while it is open. */
  closed: CloseReason | undefined;
  readonly observer: TcpObserver;

  /** @param onSettled called without a reason when established, or with a reason when closed */
  constructor(onSettled: (reason?: CloseReason) => void) {
    this.observer = {
      established: () => onSettled(),
      readable: () => undefined,
      writable: () => undefined,
      remoteClosed: () => (this.hasEnded = true),
      closed: (reason) => {
        this.closed = reason;
        onSettled(reason);
      },
    };
  }
}
