import type { TcpConnection, TcpObserver } from '../../engine/netstack-engine.js';

export type CloseReason = Parameters<TcpObserver['closed']>[0];

/** A dialed connection, which stores its events until a stream takes it over. */
export class DialledConnection {
  /** The TCP connection; undefined before the dial has begun. */
  connection: TcpConnection | undefined;
  /** Whether the peer has sent FIN. */
  hasEnded = false;
  /** Whether the tunnel still has the peer through which the connection was dialed. */
  hasPeer: () => boolean = () => true;
  /** The reason for the end; undefined while the connection is open. */
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
