/** What a stack, and what is opened on it, may be told. */
import type { Entropy } from '../ports/entropy.js';
import type { IpAddress } from '../wire/ip-address.js';
import { IPV6_MINIMUM_MTU } from '../wire/ipv6.js';
import type { StackLimits } from './limits.js';
import type { CongestionAlgorithm } from './tcp/congestion/congestion-control.js';
import type { KeepAlive } from './tcp/tcb.js';
import type { UdpSocketOptions } from './udp/udp-socket.js';

export interface StackOptions {
  /** Our addresses, of either family. The first of a family is the source where none is named. */
  readonly addresses: readonly IpAddress[];
  /**
   * The largest IP packet either way, in bytes; at least 576 (RFC 1122 3.3.2), and 1280 with an
   * IPv6 address (RFC 8200 5).
   */
  readonly mtu: number;
  readonly entropy: Entropy;
  readonly limits?: Partial<StackLimits>;
  /** How TCP shares the path; BBR by default. */
  readonly congestion?: CongestionAlgorithm | undefined;
  /** As in UnmatchedSegmentObserver. */
  readonly unmatched?: UnmatchedSegmentObserver | undefined;
}

/** An answer to a connection that was none of ours, from an end that we have connections to. */
export interface UnmatchedSegment {
  /** The two ends, as a key. */
  readonly flow: string;
  /** It accepts a connection: somebody has asked for one a minute ago at most. */
  readonly isSynAck: boolean;
}

/** For a host whose address may be another's as well. */
export interface UnmatchedSegmentObserver {
  /** Called with each such segment. Must not call the stack back. */
  readonly onUnmatched: (segment: UnmatchedSegment, now: number) => void;
  /** Whether they get no RST: it would end the connection of whom they are for. */
  readonly isQuiet: boolean;
}

export interface ConnectOptions {
  readonly localAddress?: IpAddress;
  /** 0 or absent for an ephemeral one. */
  readonly localPort?: number;
  /** Milliseconds until the attempt ends with `timeout`; 20 s by default. */
  readonly connectTimeout?: number;
  readonly keepAlive?: KeepAlive;
}

export interface ListenOptions {
  /** Half-open connections held at once; 128 by default. */
  readonly backlog?: number;
}

export interface ConnectUdpOptions extends UdpSocketOptions {
  readonly localAddress?: IpAddress;
  /** 0 or absent for an ephemeral one. */
  readonly localPort?: number;
}

const MINIMUM_MTU = 576;
const MAXIMUM_MTU = 0xffff;

/** @throws RangeError */
export function assertMtu(mtu: number, hasIpv6: boolean): void {
  const minimum = hasIpv6 ? IPV6_MINIMUM_MTU : MINIMUM_MTU;
  if (!Number.isInteger(mtu) || mtu < minimum || mtu > MAXIMUM_MTU) {
    throw new RangeError(`MTU out of range: ${mtu}`);
  }
}

/** @throws RangeError */
export function assertPort(port: number, minimum: number): void {
  if (!Number.isInteger(port) || port < minimum || port > 0xffff) {
    throw new RangeError(`port out of range: ${port}`);
  }
}
