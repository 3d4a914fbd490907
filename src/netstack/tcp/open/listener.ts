import type { IpAddress } from '../../../wire/ip-address.js';
import { abortConnection, TcpConnection } from '../connection.js';
import type { TcpObserver } from '../observer.js';
import type { Tcb, TcpAcceptor } from '../tcb.js';

/** Where a listener or a UDP socket is bound: one of our addresses, or all of them. */
export interface LocalBinding {
  readonly address?: IpAddress;
  readonly port: number;
}

/** Called when a handshake is complete; what it returns observes the connection from then on. */
export type ConnectionHandler = (connection: TcpConnection) => TcpObserver;

/** LISTEN: hands out a connection when its handshake is complete, not before. */
export class TcpListener implements TcpAcceptor {
  readonly local: LocalBinding;
  /** Half-open connections held at once; a SYN beyond that is answered with a cookie. */
  readonly backlog: number;
  readonly #onConnection: ConnectionHandler;
  readonly #onClose: (listener: TcpListener) => void;
  readonly #halfOpen = new Set<Tcb>();

  constructor(
    local: LocalBinding,
    backlog: number,
    onConnection: ConnectionHandler,
    onClose: (listener: TcpListener) => void,
  ) {
    this.local = local;
    this.backlog = backlog;
    this.#onConnection = onConnection;
    this.#onClose = onClose;
  }

  /** Half-open connections now. */
  get halfOpen(): number {
    return this.#halfOpen.size;
  }

  get isFull(): boolean {
    return this.#halfOpen.size >= this.backlog;
  }

  /** Takes a connection in SYN-RECEIVED into the backlog. */
  enterBacklog(tcb: Tcb): void {
    this.#halfOpen.add(tcb);
  }

  leaveBacklog(tcb: Tcb): void {
    this.#halfOpen.delete(tcb);
  }

  accept(tcb: Tcb): TcpObserver {
    return this.#onConnection(new TcpConnection(tcb));
  }

  /** Stops listening. Half-open connections are reset; handed-out ones live on. */
  close(now: number): void {
    this.#onClose(this);
    for (const tcb of [...this.#halfOpen]) abortConnection(tcb, now);
  }
}
