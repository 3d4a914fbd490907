/** Sends ICMP errors (RFC 792 and RFC 1122 3.2.2, RFC 4443 2.4). */
import type { DropCounter } from '../../lib/drop-counter.js';
import { PACKET_HEADROOM } from '../../lib/packets/packet-slot.js';
import { TokenBucket } from '../../lib/token-bucket.js';
import {
  finishIcmp,
  ICMP_DESTINATION_UNREACHABLE,
  ICMP_HOST_UNREACHABLE,
  ICMP_HEADER_LENGTH,
  ICMP_LONGEST_ERROR,
  ICMP_NETWORK_UNREACHABLE,
  ICMP_PORT_UNREACHABLE,
  ICMP_PROHIBITED,
  ICMP_PROTOCOL_UNREACHABLE,
  ICMP_REASSEMBLY_TIME_EXCEEDED,
  ICMP_TIME_EXCEEDED,
  icmpType,
  isIcmpError,
  writeIcmpError,
} from '../../wire/icmp.js';
import {
  ICMPV6_ADDRESS_UNREACHABLE,
  ICMPV6_DESTINATION_UNREACHABLE,
  ICMPV6_LONGEST_ERROR,
  ICMPV6_PARAMETER_PROBLEM,
  ICMPV6_NO_ROUTE,
  ICMPV6_PORT_UNREACHABLE,
  ICMPV6_PROHIBITED,
  ICMPV6_REASSEMBLY_TIME_EXCEEDED,
  ICMPV6_REDIRECT,
  ICMPV6_TIME_EXCEEDED,
  isIcmpv6Error,
  writeIcmpv6Parameter,
} from '../../wire/icmpv6.js';
import { PROTOCOL_ICMP } from '../../wire/ipv4.js';
import { PROTOCOL_ICMPV6, skipExtensionHeaders } from '../../wire/ipv6.js';
import type { DropReason } from '../drop-reason.js';
import type { Unreachable } from '../gateway/gateway.js';
import type { Inbound } from '../ip/inbound.js';
import { IpHeader } from '../ip/ip-header.js';
import type { Outbound } from '../ip/outbound.js';
import type { OwnAddresses } from '../ip/own-addresses.js';
import type { PacketQueue } from '../packet-queue.js';

/** The codes of destination unreachable (RFC 792, RFC 1812 5.2.7.1; RFC 4443 3.1). */
const UNREACHABLE: Readonly<Record<Unreachable, { readonly ipv4: number; readonly ipv6: number }>> =
  {
    network: { ipv4: ICMP_NETWORK_UNREACHABLE, ipv6: ICMPV6_NO_ROUTE },
    host: { ipv4: ICMP_HOST_UNREACHABLE, ipv6: ICMPV6_ADDRESS_UNREACHABLE },
    port: { ipv4: ICMP_PORT_UNREACHABLE, ipv6: ICMPV6_PORT_UNREACHABLE },
    prohibited: { ipv4: ICMP_PROHIBITED, ipv6: ICMPV6_PROHIBITED },
  };

/** The maximum number of ICMP errors per second. RFC 4443 2.4 (f): the rate MUST be limited. */
const ERRORS_PER_SECOND = 100;

export interface IcmpErrorSenderOptions {
  readonly addresses: OwnAddresses;
  readonly drops: DropCounter<DropReason>;
  readonly outbound: Outbound;
  readonly control: PacketQueue;
}

interface Message {
  readonly type: number;
  readonly code: number;
  /** The offset that an ICMPv6 parameter problem points to; in other errors, this field is zero. */
  readonly pointer?: number;
}

export class IcmpErrorSender {
  readonly #options: IcmpErrorSenderOptions;
  readonly #bucket: TokenBucket;

  constructor(options: IcmpErrorSenderOptions, now: number) {
    this.#options = options;
    this.#bucket = new TokenBucket(ERRORS_PER_SECOND, ERRORS_PER_SECOND, now);
  }

  /** Sends an error for a port without a socket (RFC 1122 4.1.3.1, RFC 4443 3.1). */
  sendPortUnreachable(packet: Inbound, now: number): void {
    this.sendUnreachable(packet, 'port', now);
  }

  /** Sends an error for a packet that cannot be delivered. */
  sendUnreachable(packet: Inbound, reason: Unreachable, now: number): void {
    const { ipv4, ipv6 } = UNREACHABLE[reason];
    const message = packet.isIpv6
      ? { type: ICMPV6_DESTINATION_UNREACHABLE, code: ipv6 }
      : { type: ICMP_DESTINATION_UNREACHABLE, code: ipv4 };
    this.#send(packet, message, now);
  }

  /**
   * Sends an error for an unsupported IPv4 protocol (RFC 1122 3.2.2.1). For IPv6, a parameter
   * problem is sent instead.
   */
  sendProtocolUnreachable(packet: Inbound, now: number): void {
    const message = { type: ICMP_DESTINATION_UNREACHABLE, code: ICMP_PROTOCOL_UNREACHABLE };
    this.#send(packet, message, now);
  }

  /** @param packet the first fragment of a datagram that expired during reassembly */
  sendReassemblyTimeExceeded(packet: Inbound, now: number): void {
    const message = packet.isIpv6
      ? { type: ICMPV6_TIME_EXCEEDED, code: ICMPV6_REASSEMBLY_TIME_EXCEEDED }
      : { type: ICMP_TIME_EXCEEDED, code: ICMP_REASSEMBLY_TIME_EXCEEDED };
    this.#send(packet, message, now);
  }

  /**
   * Sends an ICMPv6 parameter problem (RFC 4443 3.4).
   *
   * @param pointer the offset of the invalid octet in the packet
   */
  sendParameterProblem(packet: Inbound, code: number, pointer: number, now: number): void {
    this.#send(packet, { type: ICMPV6_PARAMETER_PROBLEM, code, pointer }, now);
  }

  #send(packet: Inbound, { type, code, pointer = 0 }: Message, now: number): void {
    const { addresses, outbound, control, drops } = this.#options;
    if (isErrorItself(packet)) return;
    if (!this.#bucket.take(now)) {
      drops.count('icmp-rate');
      return;
    }
    const protocol = packet.isIpv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP;
    const header = new IpHeader(addresses.at(packet.localIndex), packet.source, protocol);
    const limit = packet.isIpv6 ? ICMPV6_LONGEST_ERROR : ICMP_LONGEST_ERROR;
    const room = Math.min(limit, outbound.mtu) - header.length - ICMP_HEADER_LENGTH;
    const quoted = packet.bytes.subarray(0, Math.min(packet.end, room));
    const length = ICMP_HEADER_LENGTH + quoted.length;
    const slot = outbound.slots.allocate(header.length + length);
    const offset = PACKET_HEADROOM + header.length;
    header.write(slot, PACKET_HEADROOM, length);
    writeIcmpError(slot, offset, type, code);
    writeIcmpv6Parameter(slot, offset, pointer);
    slot.set(quoted, offset + ICMP_HEADER_LENGTH);
    finishIcmp(slot, offset, length, packet.isIpv6 ? header.pseudoSum(length) : 0);
    if (!control.offer(slot)) drops.count('queue-full');
  }
}

/**
 * Whether the packet is an ICMP error, which must never cause another error (RFC 1122 3.2.2, RFC
 * 4443 2.4 (e)). Multicast packets and fragments other than the first are never passed to this
 * function.
 */
function isErrorItself(packet: Inbound): boolean {
  const { bytes, end } = packet;
  if (!packet.isIpv6) {
    if (packet.protocol !== PROTOCOL_ICMP) return false;
    return packet.length === 0 || isIcmpError(icmpType(bytes, packet.offset));
  }
  const upper = skipExtensionHeaders(bytes, 0, end);
  if (upper?.protocol !== PROTOCOL_ICMPV6) return false;
  const type = upper.offset < end ? icmpType(bytes, upper.offset) : 0;
  return isIcmpv6Error(type) || type === ICMPV6_REDIRECT;
}
