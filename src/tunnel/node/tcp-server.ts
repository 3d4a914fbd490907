/** A TCP server inside the tunnel, like node:net's Server. */
import { EventEmitter } from 'node:events';

import type { NetstackEngine, TcpConnection, TcpListener } from '../../engine/netstack-engine.js';
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Entropy } from '../../ports/entropy.js';
import { addressInfo, type AddressInfo } from '../names/address-info.js';
import type { Driver } from '../driver.js';
import { anyAddress, bindLocal } from './local-end.js';
import { readPort } from './node-errors.js';
import type { OpenSockets } from './open-sockets.js';
import { TcpSocket } from './tcp-socket.js';
import type { BudgetGuard } from '../traffic/budget-gate.js';

/** The first of the dynamic ports (RFC 6335 6). */
const FIRST_EPHEMERAL_PORT = 49_152;
const EPHEMERAL_PORTS = 65_536 - FIRST_EPHEMERAL_PORT;

export interface ListenOptions {
  /** The port; 0 for any free port. */
  readonly port: number | string;
  /** One of the tunnel's own addresses; defaults to all of them. */
  readonly address?: string;
  /** The maximum number of concurrent handshakes without SYN cookies; 128 by default. */
  readonly backlog?: number;
  /** Whether this side can send after the peer has sent FIN; defaults to false. */
  readonly allowHalfOpen?: boolean;
}

export interface TcpServerHost {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
  readonly entropy: Entropy;
  readonly sockets: OpenSockets;
  readonly budget?: BudgetGuard | undefined;
}

interface TcpServerEvents {
  listening: [];
  connection: [socket: TcpSocket];
  /** Emitted if listening fails, with EADDRINUSE or EADDRNOTAVAIL. */
  error: [error: Error];
  /** Emitted when the server has stopped listening and all connections have ended. */
  close: [];
}

export class TcpServer extends EventEmitter<TcpServerEvents> {
  readonly #host: TcpServerHost;
  readonly #options: ListenOptions;
  readonly #connections = new Set<TcpSocket>();
  #listener: TcpListener | undefined;

  constructor(host: TcpServerHost, options: ListenOptions) {
    super();
    this.#host = host;
    this.#options = options;
  }

  /**
   * Starts listening, then emits 'listening' or 'error'.
   *
   * @param refusal the error to emit if listening is no longer allowed
   * @throws RangeError `ERR_SOCKET_BAD_PORT`
   */
  start(refusal?: Error): void {
    const port = readPort(this.#options.port, 0);
    try {
      if (refusal !== undefined) throw refusal;
      this.#listener = port === 0 ? this.#listenAnywhere() : this.#listenOn(port);
      process.nextTick(() => this.listening && this.emit('listening'));
    } catch (error) {
      process.nextTick(() => this.emit('error', error as Error));
    }
  }

  get listening(): boolean {
    return this.#listener !== undefined;
  }

  /** Returns the local address and port; null if the server is not listening. */
  address(): AddressInfo | null {
    if (this.#listener === undefined) return null;
    const { address, port } = this.#listener.local;
    return addressInfo({ address: address ?? anyAddress(this.#host.engine.stack.addresses), port });
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this.#connections.size);
    return this;
  }

  /** Stops listening. Emits 'close' after the existing connections have ended. */
  close(callback?: (error?: Error) => void): this {
    const listener = this.#listener;
    if (listener === undefined) {
      const error = Object.assign(new Error('the server is not running'), {
        code: 'ERR_SERVER_NOT_RUNNING',
      });
      if (callback) process.nextTick(callback, error);
      return this;
    }
    if (callback) this.once('close', () => callback());
    this.#listener = undefined;
    listener.close(this.#host.driver.now());
    this.#host.driver.schedule();
    this.#closeIfOver();
    return this;
  }

  /** Does nothing, because the tunnel keeps the process alive. */
  ref(): this {
    return this;
  }

  /** Does nothing, because the tunnel keeps the process alive. */
  unref(): this {
    return this;
  }

  #listenOn(port: number): TcpListener {
    const { stack } = this.#host.engine;
    const { address, backlog } = this.#options;
    return bindLocal('listen', { port, address }, stack.addresses, (local) =>
      stack.listenTcp(
        local,
        (connection) => this.#accept(connection),
        backlog === undefined ? {} : { backlog },
      ),
    );
  }

  #listenAnywhere(): TcpListener {
    const start = randomUint32(this.#host.entropy) % EPHEMERAL_PORTS;
    for (let tries = 0; ; tries++) {
      try {
        return this.#listenOn(FIRST_EPHEMERAL_PORT + ((start + tries) % EPHEMERAL_PORTS));
      } catch (error) {
        const isInUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
        if (!isInUse || tries >= EPHEMERAL_PORTS) throw error;
      }
    }
  }

  #accept(connection: TcpConnection): TcpSocket['observer'] {
    const { allowHalfOpen = false } = this.#options;
    const socket = new TcpSocket(this.#host.driver, { allowHalfOpen });
    socket.attach(connection);
    if (this.#host.budget?.isOpen === false) {
      // The netstack does not allow a reset during its call.
      process.nextTick(() => socket.destroy());
      return socket.observer;
    }
    this.#host.sockets.add(socket);
    this.#connections.add(socket);
    socket.once('close', () => {
      this.#connections.delete(socket);
      this.#closeIfOver();
    });
    // Emit outside the netstack's call, so that an exception in a listener cannot interrupt it.
    process.nextTick(() => this.emit('connection', socket));
    return socket.observer;
  }

  #closeIfOver(): void {
    if (this.listening || this.#connections.size > 0) return;
    process.nextTick(() => this.emit('close'));
  }
}
