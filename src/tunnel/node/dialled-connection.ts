import type { TcpConnection, TcpObserver } from '../../engine/netstack-engine.js';

export type CloseReason = Parameters<TcpObserver['closed']>[0];

/** A connection that is dialled: it keeps what comes of it until a stream takes it over. */
export class DialledConnection {
  /** Undefined before the dial has begun. */
  connection: TcpConnection | undefined;
  /** The other side has ended. */
  hasEnded = false;
  /** Undefined while it is not over. */
  closed: CloseReason | undefined;
  readonly observer: TcpObserver;

  /** @param onSettled called without a reason when it is established, with one when it is over */
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
