import type { IpAddress } from '../../wire/ip-address.js';
import type { UdpErrorKind } from '../udp/udp-socket.js';

/** A reply to an echo request of the socket. */
export interface SocketEchoReply {
  readonly sequence: number;
  /** The data of the reply. The handler owns this copy. */
  readonly payload: Uint8Array;
  /** The TTL or hop limit with which the reply arrived. */
  readonly hopLimit: number;
}

/** An ICMP error about an echo request of the socket. */
export interface EchoError {
  readonly kind: UdpErrorKind;
  /** The ICMP type and code, as defined for the address family (RFC 792, RFC 4443). */
  readonly type: number;
  readonly code: number;
  /** The sequence number of the request that the error quotes. */
  readonly sequence: number;
  /** The address of the host or router that sent the error. */
  readonly from: IpAddress;
}

export interface EchoHandlers {
  readonly onReply: (reply: SocketEchoReply) => void;
  readonly onError: (error: EchoError) => void;
  /** Called after the socket closed because its local address was removed. */
  readonly onAddressGone?: () => void;
}

export interface EchoEnds {
  /** The index of the local address. */
  readonly localIndex: number;
  /** The local address. */
  readonly address: IpAddress;
  readonly identifier: number;
  readonly remote: IpAddress;
}

/** The parts of the ICMP layer that a socket uses. */
export interface EchoHost {
  send(socket: EchoSocket, sequence: number, payload: Uint8Array): boolean;
  close(socket: EchoSocket): void;
}

/** Sends echo requests to one remote host, and receives its replies. */
export class EchoSocket {
  readonly localIndex: number;
  readonly address: IpAddress;
  /** The random identifier of the socket's requests, which replies repeat. */
  readonly identifier: number;
  readonly remote: IpAddress;
  readonly handlers: EchoHandlers;
  readonly #host: EchoHost;
  #closed = false;

  constructor(host: EchoHost, ends: EchoEnds, handlers: EchoHandlers) {
    this.#host = host;
    this.localIndex = ends.localIndex;
    this.address = ends.address;
    this.identifier = ends.identifier;
    this.remote = ends.remote;
    this.handlers = handlers;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Queues an echo request; the caller may reuse `payload` immediately.
   *
   * @param sequence 0 to 65535
   * @returns false if the request was dropped because it exceeds the MTU, the queue is full, or the
   * socket is closed
   */
  send(sequence: number, payload: Uint8Array): boolean {
    return !this.#closed && this.#host.send(this, sequence, payload);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.close(this);
  }
}
