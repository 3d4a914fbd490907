/** A UDP socket inside the tunnel, like node:dgram's Socket. */
import { EventEmitter } from 'node:events';

import type {
  NetstackEngine,
  UdpError,
  UdpSocket as NetstackSocket,
} from '../../engine/netstack-engine.js';
import { formatIpAddress, type IpAddress, type SocketAddress } from '../../wire/ip-address.js';
import { addressInfo, type AddressInfo } from '../names/address-info.js';
import { maxDatagramPayload } from './datagram-channel.js';
import type { Driver } from '../driver.js';
import { anyAddress, bindLocal } from './local-end.js';
import { lookupAll } from '../names/lookup.js';
import type { NameResolver } from '../names/name-resolver.js';
import {
  addressGoneError,
  connectError,
  type ErrorPlace,
  readPort,
  systemError,
} from './node-errors.js';
import { type PeerSilence, routeTo } from '../server/route.js';
import type { BudgetGuard } from '../traffic/budget-gate.js';

export interface UdpSocketHost {
  readonly engine: NetstackEngine;
  readonly driver: Driver;
  readonly names: NameResolver;
  readonly silence: PeerSilence;
  /** The maximum size of an IP packet inside the tunnel, in bytes. */
  readonly mtu: number;
  readonly budget?: BudgetGuard | undefined;
}

/** A datagram's sender, and the size of its payload in bytes. */
export interface RemoteInfo extends AddressInfo {
  readonly size: number;
}

export type MessageListener = (payload: Buffer, remote: RemoteInfo) => void;

interface UdpSocketEvents {
  listening: [];
  connect: [];
  message: [payload: Buffer, remote: RemoteInfo];
  /**
   * Emitted if bind() or connect() fails, if send() without a callback fails, and for ICMP errors
   * if the socket is connected. ECONNABORTED precedes 'close' if the bound address is removed from
   * the tunnel.
   */
  error: [error: Error];
  close: [];
}

type SendCallback = (error: Error | null, bytes: number) => void;

export class UdpSocket extends EventEmitter<UdpSocketEvents> {
  readonly #host: UdpSocketHost;
  readonly #onClose: (socket: UdpSocket) => void;
  #socket: NetstackSocket | undefined;
  #isConnecting = false;
  #isClosed = false;

  constructor(host: UdpSocketHost, onClose: (socket: UdpSocket) => void) {
    super();
    this.#host = host;
    this.#onClose = onClose;
  }

  /**
   * Binds a port, then emits 'listening' or 'error'.
   *
   * @param port 0 for any free port
   * @param address one of the tunnel's own addresses; defaults to all of them
   * @throws Error if already bound or closed
   */
  bind(port = 0, address?: string, callback?: () => void): this {
    this.#requireOpen();
    if (this.#socket !== undefined) throw stateError('ERR_SOCKET_ALREADY_BOUND', 'already bound');
    if (callback) this.once('listening', callback);
    try {
      this.#bind(readPort(port, 0), address);
    } catch (error) {
      this.#emitSoon('error', error as Error);
    }
    return this;
  }

  /**
   * Connects to one remote endpoint, then emits 'connect' or 'error'. If the socket is already
   * bound, keeps its port.
   *
   * @throws Error if already connected or closed
   */
  connect(port: number, address: string, callback?: () => void): this {
    this.#requireOpen();
    if (this.#isConnecting || this.#socket?.remote !== undefined) {
      throw stateError('ERR_SOCKET_DGRAM_IS_CONNECTED', 'already connected');
    }
    const to = readPort(port, 1);
    if (callback) this.once('connect', callback);
    this.#isConnecting = true;
    this.#resolve('connect', to, address)
      .then((remote) => this.#isClosed || this.#connect(remote))
      .catch((error: unknown) => this.#emitSoon('error', error as Error))
      .finally(() => (this.#isConnecting = false));
    return this;
  }

  /** Sends one datagram to the connected endpoint or, if not connected, to `port` of `address`. */
  send(payload: string | Uint8Array, callback?: SendCallback): void;
  send(payload: string | Uint8Array, port: number, address: string, callback?: SendCallback): void;
  send(
    payload: string | Uint8Array,
    portOrCallback?: number | SendCallback,
    address?: string,
    callback?: SendCallback,
  ): void {
    this.#requireOpen();
    const bytes = Buffer.from(payload);
    const isToOther = typeof portOrCallback === 'number';
    const then = isToOther ? callback : portOrCallback;
    const isConnected = this.#socket?.remote !== undefined;
    if (isConnected && isToOther) {
      throw stateError('ERR_SOCKET_DGRAM_IS_CONNECTED', 'already connected');
    }
    let target: Promise<SocketAddress | undefined> = Promise.resolve(undefined);
    if (isToOther && address !== undefined) {
      target = this.#resolve('send', readPort(portOrCallback, 1), address);
    } else if (!isConnected) {
      throw stateError(
        'ERR_SOCKET_DGRAM_NOT_CONNECTED',
        'not connected: pass a port and an address',
      );
    }
    const sent = target.then((remote) => this.#send(bytes, remote));
    sent.then(
      () => then && process.nextTick(then, null, bytes.length),
      (error: unknown) => {
        if (then) process.nextTick(then, error, 0);
        else this.#emitSoon('error', error as Error);
      },
    );
  }

  /**
   * Sends one datagram to an IP address immediately.
   *
   * @returns false if the datagram was dropped: it does not fit into the MTU, no route exists, the
   * send queue is full, or the socket is closed
   */
  trySend(payload: Uint8Array, port: number, address: string): boolean {
    const { engine, silence } = this.#host;
    try {
      this.#send(payload, { address: routeTo(address, engine, silence).address, port });
      return true;
    } catch {
      return false;
    }
  }

  /** @throws Error if not bound */
  address(): AddressInfo {
    if (this.#socket === undefined) throw stateError('EBADF', 'not bound');
    const { address, port } = this.#socket;
    return addressInfo({ address: address ?? anyAddress(this.#host.engine.stack.addresses), port });
  }

  /** @throws Error if not connected */
  remoteAddress(): AddressInfo {
    const remote = this.#socket?.remote;
    if (remote === undefined) throw stateError('ERR_SOCKET_DGRAM_NOT_CONNECTED', 'not connected');
    return addressInfo(remote);
  }

  /** @throws Error if closed */
  close(callback?: () => void): this {
    this.#requireOpen();
    if (callback) this.once('close', callback);
    this.#isClosed = true;
    this.#socket?.close();
    this.#socket = undefined;
    this.#onClose(this);
    process.nextTick(() => this.emit('close'));
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

  #bind(port: number, address: string | undefined): NetstackSocket {
    const { stack } = this.#host.engine;
    const onDatagram = (payload: Uint8Array, from: SocketAddress) =>
      this.#handleDatagram(payload, from);
    const onAddressGone = () => this.#lose();
    const socket = bindLocal('bind', { port, address }, stack.addresses, (local) =>
      stack.bindUdp(local, onDatagram, undefined, { onAddressGone }),
    );
    this.#socket = socket;
    this.#emitSoon('listening');
    return socket;
  }

  #connect(remote: SocketAddress): void {
    const { port: localPort = 0, address: localAddress } = this.#socket ?? {};
    const isBound = this.#socket !== undefined;
    const socket = connectUdp(remote, localAddress, () =>
      this.#host.engine.stack.connectUdp(
        remote,
        (payload, from) => this.#handleDatagram(payload, from),
        (error) => this.#handleError(error),
        {
          localPort,
          ...(localAddress && { localAddress }),
          onAddressGone: () => this.#lose(),
        },
      ),
    );
    this.#socket?.close();
    this.#socket = socket;
    if (!isBound) this.#emitSoon('listening');
    this.#emitSoon('connect');
  }

  async #resolve(syscall: string, port: number, host: string): Promise<SocketAddress> {
    const { engine, names, silence } = this.#host;
    const [{ address }] = await lookupAll(names, host, 0);
    try {
      return { address: routeTo(address, engine, silence).address, port };
    } catch (error) {
      throw connectError(error, { syscall, hostname: host, address, port });
    }
  }

  /** @throws Error EMSGSIZE, ENOBUFS, EDQUOT */
  #send(bytes: Uint8Array, to?: SocketAddress): void {
    if (this.#isClosed) throw notRunning();
    const socket = this.#socket ?? this.#bind(0, undefined);
    const target = to ?? socket.remote;
    if (target === undefined) throw notRunning();
    const { address, port } = target;
    const place = { syscall: 'send', address: formatIpAddress(address), port };
    requireBudget(this.#host.budget, place);
    const family = address.length === 16 ? 6 : 4;
    if (bytes.length > maxDatagramPayload(this.#host.mtu, family)) {
      throw systemError('EMSGSIZE', place);
    }
    const isTaken = to === undefined ? socket.send(bytes) : socket.sendTo(bytes, to);
    this.#host.driver.schedule();
    if (!isTaken) throw systemError('ENOBUFS', place);
  }

  #handleDatagram(payload: Uint8Array, from: SocketAddress): void {
    const { buffer, byteOffset, length } = payload;
    const message = Buffer.from(buffer, byteOffset, length);
    this.#emitSoon('message', message, { ...addressInfo(from), size: length });
  }

  #handleError({ kind, remote }: UdpError): void {
    if (kind !== 'port-unreachable' && kind !== 'unreachable') return;
    const code = kind === 'port-unreachable' ? 'ECONNREFUSED' : 'EHOSTUNREACH';
    const [address, port] = [formatIpAddress(remote.address), remote.port];
    this.#emitSoon('error', systemError(code, { syscall: 'recv', address, port }));
  }

  #lose(): void {
    process.nextTick(() => {
      if (this.#isClosed) return;
      this.close();
      this.emit('error', addressGoneError());
    });
  }

  /** Emits outside the netstack's call, so that an exception in a listener cannot interrupt it. */
  #emitSoon<E extends keyof UdpSocketEvents>(event: E, ...values: UdpSocketEvents[E]): void {
    process.nextTick(() => {
      if (!this.#isClosed) (this as EventEmitter).emit(event, ...values);
    });
  }

  #requireOpen(): void {
    if (this.#isClosed) throw notRunning();
  }
}

/** @throws Error EADDRINUSE, or EADDRNOTAVAIL if the local address belongs to the other family */
function connectUdp<T>(remote: SocketAddress, local: IpAddress | undefined, connect: () => T): T {
  try {
    return connect();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const isOtherFamily = local !== undefined && local.length !== remote.address.length;
    const code = isOtherFamily ? 'EADDRNOTAVAIL' : 'EADDRINUSE';
    const place = { syscall: 'connect', ...addressInfo(remote) };
    throw systemError(code, place, error);
  }
}

/** @throws Error EDQUOT while the traffic budget is used up */
function requireBudget(budget: BudgetGuard | undefined, place: ErrorPlace): void {
  try {
    budget?.require();
  } catch (error) {
    throw systemError('EDQUOT', place, error);
  }
}

function notRunning(): Error {
  return stateError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'closed');
}

/** Returns the error for a call that the socket's state does not allow. */
function stateError(code: string, state: string): Error {
  return Object.assign(new Error(`the UDP socket is ${state}`), { code });
}
