import type { IpAddress, SocketAddress } from '../../wire/ip-address.js';

/** ICMP said that a datagram did not arrive. */
export interface UdpError {
  readonly kind: 'unreachable';
  /** The code of destination unreachable (RFC 792); 3 is a closed port. */
  readonly code: number;
  readonly remote: SocketAddress;
}

/** Called with a payload of the receiver's own, who sent it, and our address that it came to. */
export type DatagramHandler = (payload: Uint8Array, from: SocketAddress, to: IpAddress) => void;

export type UdpErrorHandler = (error: UdpError) => void;

/** What a socket needs of the layer around it. */
export interface UdpHost {
  send(socket: UdpSocket, payload: Uint8Array, to: SocketAddress, from?: IpAddress): boolean;
  close(socket: UdpSocket): void;
}

/** A bound UDP port. */
export class UdpSocket {
  readonly port: number;
  /** The address it is bound to; undefined for all. */
  readonly address: IpAddress | undefined;
  readonly onDatagram: DatagramHandler;
  readonly onError: UdpErrorHandler | undefined;
  readonly #host: UdpHost;
  #closed = false;

  constructor(
    host: UdpHost,
    local: { address: IpAddress | undefined; port: number },
    onDatagram: DatagramHandler,
    onError: UdpErrorHandler | undefined,
  ) {
    this.#host = host;
    this.port = local.port;
    this.address = local.address;
    this.onDatagram = onDatagram;
    this.onError = onError;
  }

  /**
   * Queues one datagram; `payload` may be reused at once.
   *
   * @param from the source address, where the socket is bound to all of them
   * @returns false where it was dropped: longer than the MTU allows, queue full, or socket closed
   * @throws RangeError when `from` is none of our addresses
   */
  sendTo(payload: Uint8Array, to: SocketAddress, from?: IpAddress): boolean {
    if (this.#closed) return false;
    return this.#host.send(this, payload, to, from ?? this.address);
  }

  close(): void {
    this.#closed = true;
    this.#host.close(this);
  }
}
