/**
 * A stack as the gateway of a network without another way out: it answers for every address. The
 * user of the stack decides about each connection attempt, UDP flow and echo request.
 */
import type { IpAddress, SocketAddress } from '../../wire/ip-address.js';
import type { ConnectionHandler } from '../tcp/open/listener.js';

/** Handles the packets for adopted addresses. The handlers must not throw. */
export interface GatewayHandlers {
  /** Handles a SYN. The stack does not reply before the attempt is settled. */
  readonly onConnect: (attempt: ConnectionAttempt) => void;
  /**
   * Handles a datagram between two endpoints for which no socket exists. If the handler opens the
   * socket with connectUdp(), the socket gets the datagram. Otherwise, the stack replies with port
   * unreachable.
   */
  readonly onDatagram: (flow: DatagramFlow) => void;
  /** Handles an echo request. The stack does not reply itself. */
  readonly onEcho: (request: ForeignEcho) => void;
}

/**
 * Why a packet cannot be delivered, as the code of an ICMP destination unreachable error:
 * `prohibited` is for packets that the gateway does not forward.
 */
export type Unreachable = 'network' | 'host' | 'port' | 'prohibited';

interface Foreign {
  /** Replies to the packet with an ICMP error, within the rate limit. */
  unreachable(reason: Unreachable, now: number): void;
}

/** An unanswered SYN. Exactly one method must be called, after the handler has returned. */
export interface ConnectionAttempt extends Foreign {
  readonly target: SocketAddress;
  readonly source: SocketAddress;
  /**
   * Replies with a SYN-ACK.
   *
   * @param onConnection called after the handshake
   * @param onAbandoned called if the handshake does not complete
   */
  accept(onConnection: ConnectionHandler, onAbandoned: () => void, now: number): void;
  /** Replies with an RST. */
  refuse(now: number): void;
  /** Does not reply. */
  ignore(): void;
}

export interface DatagramFlow extends Foreign {
  readonly target: SocketAddress;
  readonly source: SocketAddress;
}

export interface ForeignEcho extends Foreign {
  readonly target: IpAddress;
  readonly source: IpAddress;
  readonly identifier: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
  /**
   * Sends the reply, as from the target.
   *
   * @returns false if the reply was dropped, because the queue is full
   */
  reply(payload: Uint8Array): boolean;
}
