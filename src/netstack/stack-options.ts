/** The options of a stack and of its connections, listeners and sockets. */
import type { Entropy } from '../ports/entropy.js';
import type { IpAddress } from '../wire/ip-address.js';
import { IPV6_MINIMUM_MTU } from '../wire/ipv6.js';
import type { GatewayHandlers } from './gateway/gateway.js';
import type { StackLimits } from './limits.js';
import type { CongestionAlgorithm } from './tcp/congestion/congestion-control.js';
import type { KeepAlive } from './tcp/tcb.js';
import type { UdpSocketOptions } from './udp/udp-socket.js';

export interface StackOptions {
  /** The local IPv4 and IPv6 addresses. The first address of a family is its default source. */
  readonly addresses: readonly IpAddress[];
  /**
   * The maximum size of an IP packet in either direction, in octets. Must be at least 576 (RFC 1122
   * 3.3.2), or 1280 with an IPv6 address (RFC 8200 5).
   */
  readonly mtu: number;
  readonly entropy: Entropy;
  readonly limits?: Partial<StackLimits>;
  /** TCP's congestion control algorithm; BBR by default. */
  readonly congestion?: CongestionAlgorithm | undefined;
  /**
   * Sequence number state that survives a restart; by default, each stack starts from random
   * values.
   */
  readonly sequences?: LastingSequences | undefined;
  /** Detects another host with the same address; see UnmatchedSegmentObserver. */
  readonly unmatched?: UnmatchedSegmentObserver | undefined;
  /** Makes the stack answer for every address; by default, it answers only for its own. */
  readonly gateway?: GatewayHandlers | undefined;
}

/**
 * A key and a clock that survive a restart. If a new connection reuses the ports of a connection
 * from the previous process, a peer in TIME-WAIT accepts the SYN, because its sequence number and
 * timestamp are higher than the old ones (RFC 6191 2).
 */
export interface LastingSequences {
  /** The secret 16-byte key. */
  readonly key: Uint8Array;
  /** Milliseconds to add to `now`, so that the time continues after a restart. */
  readonly epoch: number;
}

/** A segment for an unknown connection from a remote endpoint that this stack also uses. */
export interface UnmatchedSegment {
  /** A key that identifies both endpoints. */
  readonly flow: string;
  /** True for a SYN-ACK, which shows that another host sent a SYN within the last minute. */
  readonly isSynAck: boolean;
}

/** Receives unmatched segments, which show that another host may share this host's address. */
export interface UnmatchedSegmentObserver {
  /** Called for each unmatched segment. The callback must not call the stack. */
  readonly onUnmatched: (segment: UnmatchedSegment, now: number) => void;
  /**
   * Whether to suppress RSTs for unmatched segments. Each RST would reset another host's
   * connection.
   */
  readonly isQuiet: boolean;
}

export interface ConnectOptions {
  readonly localAddress?: IpAddress;
  /** The local port; 0 or unset for an ephemeral port. */
  readonly localPort?: number;
  /** Milliseconds until the attempt fails with `timeout`; 20,000 by default. */
  readonly connectTimeout?: number;
  readonly keepAlive?: KeepAlive;
}

export interface ListenOptions {
  /** The maximum number of half-open connections; 128 by default. */
  readonly backlog?: number;
}

export interface ConnectUdpOptions extends UdpSocketOptions {
  readonly localAddress?: IpAddress;
  /** The local port; 0 or unset for an ephemeral port. */
  readonly localPort?: number;
}

const MINIMUM_MTU = 576;
const MAXIMUM_MTU = 0xffff;

/** @throws RangeError if the MTU is out of range */
export function assertMtu(mtu: number, hasIpv6: boolean): void {
  const minimum = hasIpv6 ? IPV6_MINIMUM_MTU : MINIMUM_MTU;
  if (!Number.isInteger(mtu) || mtu < minimum || mtu > MAXIMUM_MTU) {
    throw new RangeError(`the MTU is out of range: ${mtu}`);
  }
}

/** @throws RangeError if the port is out of range */
export function assertPort(port: number, minimum: number): void {
  if (!Number.isInteger(port) || port < minimum || port > 0xffff) {
    throw new RangeError(`the port is out of range: ${port}`);
  }
}
