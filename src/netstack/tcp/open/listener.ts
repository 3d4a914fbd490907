import type { IpAddress } from '../../../wire/ip-address.js';
import { abortConnection, TcpConnection } from '../connection.js';
import type { TcpObserver } from '../observer.js';
import type { Tcb, TcpAcceptor } from '../tcb.js';

/** The binding of a listener or a UDP socket: one local address, or all if `address` is unset. */
export interface LocalBinding {
  readonly address?: IpAddress;
  readonly port: number;
}

/** Called when a handshake completes. Returns the observer of the new connection. */
export type ConnectionHandler = (connection: TcpConnection) => TcpObserver;

/** The LISTEN state: passes a connection to the user only after its handshake completes. */
export class TcpListener implements TcpAcceptor {
  readonly local: LocalBinding;
  /** The maximum number of half-open connections; further SYNs are answered with a cookie. */
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

  get halfOpen(): number {
    return this.#halfOpen.size;
  }

  get isFull(): boolean {
    return this.#halfOpen.size >= this.backlog;
  }

  enterBacklog(tcb: Tcb): void {
    this.#halfOpen.add(tcb);
  }

  leaveBacklog(tcb: Tcb): void {
    this.#halfOpen.delete(tcb);
  }

  accept(tcb: Tcb): TcpObserver {
    return this.#onConnection(new TcpConnection(tcb));
  }

  /** Stops listening. Resets half-open connections; accepted connections continue. */
  close(now: number): void {
    this.#onClose(this);
    for (const tcb of [...this.#halfOpen]) abortConnection(tcb, now);
  }
}
