import type { Timed } from '../../lib/deadline-heap.js';
import type { IpAddress, SocketAddress } from '../../wire/ip-address.js';

/**
 * The kind of ICMP or ICMPv6 error about a datagram. `too-big` can be ignored, because later
 * datagrams are fragmented.
 */
export type UdpErrorKind =
  'port-unreachable' | 'unreachable' | 'time-exceeded' | 'too-big' | 'other';

/** An ICMP error that reports an undelivered datagram. */
export interface UdpError {
  readonly kind: UdpErrorKind;
  /** The ICMP code, as defined for the remote address's family (RFC 792, RFC 4443 3). */
  readonly code: number;
  readonly remote: SocketAddress;
}

/** Receives a datagram. The handler owns `payload`; `to` is the local destination address. */
export type DatagramHandler = (payload: Uint8Array, from: SocketAddress, to: IpAddress) => void;

export type UdpErrorHandler = (error: UdpError) => void;

export interface UdpSocketOptions {
  /**
   * Closes the socket after this many ms without a datagram in either direction; by default, the
   * socket stays open.
   */
  readonly idleTimeout?: number;
  /** Called after the idle timeout closed the socket. */
  readonly onIdle?: () => void;
  /** Called after the socket closed because its local address was removed. */
  readonly onAddressGone?: () => void;
}

export interface UdpHandlers extends UdpSocketOptions {
  readonly onDatagram: DatagramHandler;
  readonly onError: UdpErrorHandler | undefined;
}

export interface UdpEnds {
  /** The index of the local address, or ANY_ADDRESS. */
  readonly localIndex: number;
  /** The local address; undefined if bound to all addresses. */
  readonly address: IpAddress | undefined;
  readonly port: number;
  readonly remote: SocketAddress | undefined;
}

/** The parts of the UDP layer that a socket uses. */
export interface UdpHost {
  send(socket: UdpSocket, payload: Uint8Array, to: SocketAddress, from?: IpAddress): boolean;
  close(socket: UdpSocket): void;
}

/** A bound UDP port, optionally connected to one remote endpoint. */
export class UdpSocket implements Timed {
  readonly port: number;
  /** The local address; undefined if bound to all addresses. */
  readonly address: IpAddress | undefined;
  /** The remote endpoint; undefined if the socket is not connected. */
  readonly remote: SocketAddress | undefined;
  readonly localIndex: number;
  readonly onDatagram: DatagramHandler;
  readonly onError: UdpErrorHandler | undefined;
  readonly idleTimeout: number;
  readonly onIdle: (() => void) | undefined;
  readonly onAddressGone: (() => void) | undefined;
  /** Whether the socket was used since the last settle(). */
  isTouched = false;
  readonly #host: UdpHost;
  #closed = false;

  // Fields that the timer heap uses.
  deadline = Infinity;
  heapIndex = -1;
  heapKey = Infinity;

  constructor(host: UdpHost, ends: UdpEnds, handlers: UdpHandlers) {
    this.#host = host;
    this.port = ends.port;
    this.address = ends.address;
    this.remote = ends.remote;
    this.localIndex = ends.localIndex;
    this.onDatagram = handlers.onDatagram;
    this.onError = handlers.onError;
    this.idleTimeout = handlers.idleTimeout ?? Infinity;
    this.onIdle = handlers.onIdle;
    this.onAddressGone = handlers.onAddressGone;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Queues a datagram; the caller may reuse `payload` immediately.
   *
   * @param from the source address, if the socket is bound to all addresses
   * @returns false if the datagram was dropped because it exceeds the MTU, the queue is full, or
   * the socket is closed
   * @throws RangeError if `from` is not a local address
   * @throws TypeError if the socket is connected
   */
  sendTo(payload: Uint8Array, to: SocketAddress, from?: IpAddress): boolean {
    if (this.remote !== undefined) throw new TypeError('the socket is connected: use send()');
    if (this.#closed) return false;
    return this.#host.send(this, payload, to, from ?? this.address);
  }

  /**
   * Queues a datagram for a connected socket's remote endpoint; in all other respects, like
   * sendTo().
   *
   * @throws TypeError if the socket is not connected
   */
  send(payload: Uint8Array): boolean {
    if (this.remote === undefined) throw new TypeError('the socket is not connected: use sendTo()');
    if (this.#closed) return false;
    return this.#host.send(this, payload, this.remote, this.address);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.close(this);
  }
}
