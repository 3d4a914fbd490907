import { addressKey, type IpAddress } from '../../wire/ip-address.js';
import { readUint16 } from '../../wire/bytes.js';
import {
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipVersion,
} from '../../wire/ipv4.js';
import {
  IPV6_HEADER_LENGTH,
  ipv6Destination,
  ipv6PayloadLength,
  ipv6Source,
  skipExtensionHeaders,
} from '../../wire/ipv6.js';

/**
 * The number of upper-layer octets that every ICMP error quotes (RFC 792): ports and sequence
 * number.
 */
const QUOTED_LENGTH = 8;

/** A packet quoted in an ICMP error. The caller must check whether this stack sent the packet. */
export interface QuotedPacket {
  /** Views into the bytes of the ICMP error. */
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** The addressKey() of the destination. */
  readonly destinationKey: number | string;
  readonly protocol: number;
  /** The offset of the upper layer in the error; at least eight octets follow. */
  readonly upper: number;
  /** The first two 16-bit words of the upper layer: the ports, for TCP and UDP. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The packet's length according to its header. */
  readonly length: number;
}

/** Parses the packet quoted in `bytes[offset, end)`; undefined if the quote is too short. */
export function readQuotedPacket(
  bytes: Uint8Array,
  offset: number,
  end: number,
  isIpv6: boolean,
): QuotedPacket | undefined {
  if (offset + (isIpv6 ? IPV6_HEADER_LENGTH : IPV4_HEADER_LENGTH) > end) return undefined;
  if (ipVersion(bytes, offset) !== (isIpv6 ? 6 : 4)) return undefined;
  const place = isIpv6 ? skipExtensionHeaders(bytes, offset, end) : ipv4Upper(bytes, offset);
  if (place === undefined || place.offset + QUOTED_LENGTH > end) return undefined;
  const destination = isIpv6 ? ipv6Destination(bytes, offset) : ipv4Destination(bytes, offset);
  return {
    source: isIpv6 ? ipv6Source(bytes, offset) : ipv4Source(bytes, offset),
    destination,
    destinationKey: addressKey(destination),
    protocol: place.protocol,
    upper: place.offset,
    sourcePort: readUint16(bytes, place.offset),
    destinationPort: readUint16(bytes, place.offset + 2),
    length: isIpv6
      ? IPV6_HEADER_LENGTH + ipv6PayloadLength(bytes, offset)
      : ipv4TotalLength(bytes, offset),
  };
}

function ipv4Upper(
  bytes: Uint8Array,
  offset: number,
): { protocol: number; offset: number } | undefined {
  // Only the first fragment contains the ports.
  if (ipv4FragmentOffset(bytes, offset) !== 0) return undefined;
  const headerLength = ipv4HeaderLength(bytes, offset);
  if (headerLength < IPV4_HEADER_LENGTH) return undefined;
  return { protocol: ipv4Protocol(bytes, offset), offset: offset + headerLength };
}
