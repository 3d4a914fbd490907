/**
 * What the sender of a packet that no peer may have is told, as Linux's WireGuard does it: ICMP host
 * unreachable, ICMPv6 address unreachable, so that it fails at once instead of waiting for an answer.
 */
import { PACKET_HEADROOM, packetInSlot, PacketSlots } from '../lib/packet-slot.js';
import { TokenBucket } from '../lib/token-bucket.js';
import { IpHeader } from '../netstack/ip/ip-header.js';
import { isUnicast } from '../netstack/ip/own-addresses.js';
import {
  finishIcmp,
  ICMP_DESTINATION_UNREACHABLE,
  ICMP_HEADER_LENGTH,
  ICMP_HOST_UNREACHABLE,
  ICMP_LONGEST_ERROR,
  icmpType,
  isIcmpError,
  writeIcmpError,
} from '../wire/icmp.js';
import {
  ICMPV6_ADDRESS_UNREACHABLE,
  ICMPV6_DESTINATION_UNREACHABLE,
  ICMPV6_LONGEST_ERROR,
  ICMPV6_REDIRECT,
  isIcmpv6Error,
} from '../wire/icmpv6.js';
import type { IpAddress } from '../wire/ip-address.js';
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipVersion,
  PROTOCOL_ICMP,
} from '../wire/ipv4.js';
import {
  ipv6Destination,
  ipv6Source,
  PROTOCOL_ICMPV6,
  skipExtensionHeaders,
} from '../wire/ipv6.js';

/** RFC 1812 4.3.2.8 and RFC 4443 2.4 (f): the rate is limited, lest a flood is answered in kind. */
const ERRORS_PER_SECOND = 100;

export class HostUnreachable {
  readonly #mtu: number;
  readonly #slots = new PacketSlots();
  readonly #bucket = new TokenBucket(ERRORS_PER_SECOND, ERRORS_PER_SECOND, -Infinity);

  /** @param mtu of the tunnel: no error is longer */
  constructor(mtu: number) {
    this.#mtu = mtu;
  }

  /**
   * The error about the packet in `slot`, a whole IPv4 or IPv6 packet, in a slot of its own.
   *
   * @returns undefined where none may be sent, or there were too many
   */
  about(slot: Uint8Array, now: number): Uint8Array | undefined {
    const packet = packetInSlot(slot);
    const isIpv6 = ipVersion(packet, 0) === 6;
    if (!(isIpv6 ? mayAnswerIpv6(packet) : mayAnswerIpv4(packet))) return undefined;
    if (!this.#bucket.take(now)) return undefined;
    return isIpv6
      ? this.#write(packet, ipv6Destination(packet, 0), ipv6Source(packet, 0))
      : this.#write(packet, ipv4Destination(packet, 0), ipv4Source(packet, 0));
  }

  /**
   * From the host that cannot be reached: a kernel takes nothing from an interface that claims to come
   * from the kernel's own address, and what fails the test of the reverse path.
   */
  #write(packet: Uint8Array, from: IpAddress, to: IpAddress): Uint8Array {
    const isIpv6 = to.length === 16;
    const header = new IpHeader(from, to, isIpv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP);
    const limit = Math.min(isIpv6 ? ICMPV6_LONGEST_ERROR : ICMP_LONGEST_ERROR, this.#mtu);
    const quoted = packet.subarray(0, limit - header.length - ICMP_HEADER_LENGTH);
    const length = ICMP_HEADER_LENGTH + quoted.length;
    const slot = this.#slots.allocate(header.length + length);
    const offset = PACKET_HEADROOM + header.length;
    header.write(slot, PACKET_HEADROOM, length);
    if (isIpv6) {
      writeIcmpError(slot, offset, ICMPV6_DESTINATION_UNREACHABLE, ICMPV6_ADDRESS_UNREACHABLE);
    } else {
      writeIcmpError(slot, offset, ICMP_DESTINATION_UNREACHABLE, ICMP_HOST_UNREACHABLE);
    }
    slot.set(quoted, offset + ICMP_HEADER_LENGTH);
    finishIcmp(slot, offset, length, isIpv6 ? header.pseudoSum(length) : 0);
    return slot;
  }
}

/**
 * RFC 1122 3.2.2: not about an error, a packet from or to more than one host or none, or a fragment
 * that is not the first.
 */
function mayAnswerIpv4(packet: Uint8Array): boolean {
  const upper = ipv4HeaderLength(packet, 0);
  if (upper < IPV4_HEADER_LENGTH || ipv4FragmentOffset(packet, 0) !== 0) return false;
  if (!isUnicast(ipv4Source(packet, 0)) || !isUnicast(ipv4Destination(packet, 0))) return false;
  if (ipv4Protocol(packet, 0) !== PROTOCOL_ICMP) return true;
  return upper < packet.length && !isIcmpError(icmpType(packet, upper));
}

/** RFC 4443 2.4 (e). Of a fragment that is not the first nobody can tell whether it is an error. */
function mayAnswerIpv6(packet: Uint8Array): boolean {
  if (!isUnicast(ipv6Source(packet, 0)) || !isUnicast(ipv6Destination(packet, 0))) return false;
  const upper = skipExtensionHeaders(packet, 0, packet.length);
  if (upper === undefined) return false;
  if (upper.protocol !== PROTOCOL_ICMPV6) return true;
  if (upper.offset >= packet.length) return false;
  const type = icmpType(packet, upper.offset);
  return !isIcmpv6Error(type) && type !== ICMPV6_REDIRECT;
}
