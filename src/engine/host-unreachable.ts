/**
 * Sends ICMP host unreachable and ICMPv6 address unreachable errors for packets that no peer may
 * receive, as Linux's WireGuard does. The sender then fails immediately instead of timing out.
 */
import { PACKET_HEADROOM, PACKET_TAILROOM, packetInSlot } from '../lib/packets/packet-slot.js';
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

/**
 * Limits the rate of errors, so that a flood of packets does not cause a flood of errors (RFC 1812
 * 4.3.2.8, RFC 4443 2.4 (f)).
 */
const ERRORS_PER_SECOND = 100;

export class HostUnreachable {
  readonly #mtu: number;
  readonly #bucket = new TokenBucket(ERRORS_PER_SECOND, ERRORS_PER_SECOND, -Infinity);

  /** @param mtu the tunnel's MTU in bytes, which limits the size of errors */
  constructor(mtu: number) {
    this.#mtu = mtu;
  }

  /**
   * Creates the error for the whole IPv4 or IPv6 packet in `slot`. The error gets its own slot.
   * @returns undefined if no error may be sent, or the rate limit is reached
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
   * Uses the unreachable host as the source. A kernel drops incoming packets whose source is one of
   * its own addresses, and packets that fail the reverse path filter.
   */
  #write(packet: Uint8Array, from: IpAddress, to: IpAddress): Uint8Array {
    const isIpv6 = to.length === 16;
    const header = new IpHeader(from, to, isIpv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP);
    const limit = Math.min(isIpv6 ? ICMPV6_LONGEST_ERROR : ICMP_LONGEST_ERROR, this.#mtu);
    const quoted = packet.subarray(0, limit - header.length - ICMP_HEADER_LENGTH);
    const length = ICMP_HEADER_LENGTH + quoted.length;
    // The error does not use a slab, which could not be reused while the error is in use.
    const slot = new Uint8Array(PACKET_HEADROOM + header.length + length + PACKET_TAILROOM);
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
 * Whether an error may be sent. No error may be sent about another error, about a non-unicast
 * source or destination address, or about a fragment other than the first (RFC 1122 3.2.2).
 */
function mayAnswerIpv4(packet: Uint8Array): boolean {
  const upper = ipv4HeaderLength(packet, 0);
  if (upper < IPV4_HEADER_LENGTH || ipv4FragmentOffset(packet, 0) !== 0) return false;
  if (!isUnicast(ipv4Source(packet, 0)) || !isUnicast(ipv4Destination(packet, 0))) return false;
  if (ipv4Protocol(packet, 0) !== PROTOCOL_ICMP) return true;
  return upper < packet.length && !isIcmpError(icmpType(packet, upper));
}

/**
 * Whether an error may be sent (RFC 4443 2.4 (e)). Excludes later fragments, because they may
 * belong to an error.
 */
function mayAnswerIpv6(packet: Uint8Array): boolean {
  if (!isUnicast(ipv6Source(packet, 0)) || !isUnicast(ipv6Destination(packet, 0))) return false;
  const upper = skipExtensionHeaders(packet, 0, packet.length);
  if (upper === undefined) return false;
  if (upper.protocol !== PROTOCOL_ICMPV6) return true;
  if (upper.offset >= packet.length) return false;
  const type = icmpType(packet, upper.offset);
  return !isIcmpv6Error(type) && type !== ICMPV6_REDIRECT;
}
