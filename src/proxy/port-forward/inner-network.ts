/** The interface through which port forwards use the network inside the tunnel. */
import type { Duplex } from 'node:stream';

import type { PushingDatagramDialer } from '../datagram-dialer.js';
import type { Dialer } from '../dialer.js';

/** The sender of a datagram, or the remote end of a connection. */
export interface RemoteEnd {
  readonly host: string;
  readonly port: number;
}

/** A port of the tunnel's addresses. */
export interface InnerPort {
  readonly port: number;
  /** Stops listening; accepted connections stay open. */
  close(): void;
}

export interface InnerUdpPort extends InnerPort {
  /**
   * Sends one datagram.
   *
   * @returns false if the datagram was dropped, because it does not fit into the MTU or the send
   * queue is full
   */
  send(payload: Uint8Array, to: RemoteEnd): boolean;
}

/** Implementations never dial, listen or send outside the tunnel. */
export interface InnerNetwork {
  readonly dialer: Dialer;
  readonly datagrams: PushingDatagramDialer;

  /**
   * Accepts connections from inside the tunnel.
   *
   * @param port 0 for any free port
   * @param accept called with each connection, which has half-close and back-pressure
   * @throws Error with the code EADDRINUSE
   */
  listenTcp(port: number, accept: (stream: Duplex, from: RemoteEnd) => void): Promise<InnerPort>;

  /**
   * Receives datagrams from inside the tunnel.
   *
   * @param port 0 for any free port
   * @throws Error with the code EADDRINUSE
   */
  bindUdp(
    port: number,
    onDatagram: (payload: Uint8Array, from: RemoteEnd) => void,
  ): Promise<InnerUdpPort>;
}
