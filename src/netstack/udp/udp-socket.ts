import type { Timed } from '../../lib/deadline-heap.js';
import type { IpAddress, SocketAddress } from '../../wire/ip-address.js';

/**
 * What ICMP or ICMPv6 said about a datagram. `too-big` needs no answer: the next ones go out in
 * fragments.
 */
export type UdpErrorKind =
  'port-unreachable' | 'unreachable' | 'time-exceeded' | 'too-big' | 'other';

/** ICMP said that a datagram did not arrive. */
export interface UdpError {
  readonly kind: UdpErrorKind;
  /** The message's code, in the terms of the remote address's family (RFC 792, RFC 4443 3). */
  readonly code: number;
  readonly remote: SocketAddress;
}

/** Called with a payload of the receiver's own, who sent it, and our address that it came to. */
export type DatagramHandler = (payload: Uint8Array, from: SocketAddress, to: IpAddress) => void;

export type UdpErrorHandler = (error: UdpError) => void;

export interface UdpSocketOptions {
  /** Milliseconds after the last datagram either way until the socket closes; never by default. */
  readonly idleTimeout?: number;
  /** Called when it has closed for that reason. */
  readonly onIdle?: () => void;
  /** Called when it has closed because the address it is bound to is not ours any more. */
  readonly onAddressGone?: () => void;
}

/** Who is told of what arrives. */
export interface UdpHandlers extends UdpSocketOptions {
  readonly onDatagram: DatagramHandler;
  readonly onError: UdpErrorHandler | undefined;
}

/** The ends of a socket, as it is bound. */
export interface UdpEnds {
  /** The index of the local address, or that of all of them. */
  readonly localIndex: number;
  /** The local address; undefined for all. */
  readonly address: IpAddress | undefined;
  readonly port: number;
  readonly remote: SocketAddress | undefined;
}

/** What a socket needs of the layer around it. */
export interface UdpHost {
  send(socket: UdpSocket, payload: Uint8Array, to: SocketAddress, from?: IpAddress): boolean;
  close(socket: UdpSocket): void;
}

/** A bound UDP port, connected to one remote end or not. */
export class UdpSocket implements Timed {
  readonly port: number;
  /** The address it is bound to; undefined for all. */
  readonly address: IpAddress | undefined;
  /** The one end that it speaks to; undefined where it is not connected. */
  readonly remote: SocketAddress | undefined;
  readonly localIndex: number;
  readonly onDatagram: DatagramHandler;
  readonly onError: UdpErrorHandler | undefined;
  readonly idleTimeout: number;
  readonly onIdle: (() => void) | undefined;
  readonly onAddressGone: (() => void) | undefined;
  /** It was used since the layer last looked at the time. */
  isTouched = false;
  readonly #host: UdpHost;
  #closed = false;

  // Owned by the heap of timers.
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
   * Queues one datagram; `payload` may be reused at once.
   *
   * @param from the source address, where the socket is bound to all of them
   * @returns false where it was dropped: longer than the MTU allows, queue full, or socket closed
   * @throws RangeError when `from` is none of our addresses
   * @throws TypeError when the socket is connected
   */
  sendTo(payload: Uint8Array, to: SocketAddress, from?: IpAddress): boolean {
    if (this.remote !== undefined) throw new TypeError('the socket is connected: use send()');
    if (this.#closed) return false;
    return this.#host.send(this, payload, to, from ?? this.address);
  }

  /**
   * Queues one datagram for the remote end of a connected socket, as sendTo() does.
   * @throws TypeError when the socket is not connected
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
