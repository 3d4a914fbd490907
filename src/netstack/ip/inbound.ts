import { sumBytes } from '../../wire/checksum.js';
import type { IpAddress } from '../../wire/ip-address.js';
import {
  ipv4Destination,
  ipv4HeaderError,
  IPV4_SOURCE,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TimeToLive,
  ipv4TotalLength,
  ipVersion,
} from '../../wire/ipv4.js';
import {
  IPV6_HEADER_LENGTH,
  IPV6_NEXT_HEADER,
  IPV6_SOURCE,
  ipv6Destination,
  ipv6HeaderError,
  ipv6HopLimit,
  ipv6PayloadLength,
  ipv6Source,
} from '../../wire/ipv6.js';
import type { DropReason } from '../drop-reason.js';
import { AddressKeyMemo } from './address-key-memo.js';
import { isUnicast, type OwnAddresses } from './own-addresses.js';

const NOTHING = new Uint8Array(0);

/** A received IP packet. One object is reused for all packets. */
export class Inbound {
  bytes: Uint8Array = NOTHING;
  isIpv6 = false;
  /** The index of the local address to which the packet was sent. */
  localIndex = 0;
  sourceKey: number | string = 0;
  protocol = 0;
  /** The offset after the IP header and, for IPv6, after the extension headers parsed so far. */
  offset = 0;
  length = 0;
  /** The key of the last source that was a unicast address. */
  #unicastKey: number | string = '';
  readonly #sources = new AddressKeyMemo();
  readonly #destinations = new AddressKeyMemo();

  get source(): IpAddress {
    return this.isIpv6 ? ipv6Source(this.bytes, 0) : ipv4Source(this.bytes, 0);
  }

  /** The IPv4 time to live or the IPv6 hop limit. */
  get hopLimit(): number {
    return this.isIpv6 ? ipv6HopLimit(this.bytes, 0) : ipv4TimeToLive(this.bytes, 0);
  }

  get destination(): IpAddress {
    return this.isIpv6 ? ipv6Destination(this.bytes, 0) : ipv4Destination(this.bytes, 0);
  }

  /**
   * Returns the sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1).
   *
   * @param length the length of the upper-layer header and data, in octets
   */
  pseudoSum(protocol: number, length: number): number {
    const sum = this.isIpv6
      ? sumBytes(this.bytes, IPV6_SOURCE, 32)
      : sumBytes(this.bytes, IPV4_SOURCE, 8);
    return sum + protocol + length;
  }

  /** The end of the packet in `bytes`. Octets after this offset do not belong to the packet. */
  get end(): number {
    return this.offset + this.length;
  }

  /**
   * Parses a packet, and returns the reason if it must be dropped. Skips IPv4 options, because
   * options that are not understood MUST be ignored (RFC 1122 3.2.1.8). IpProtocol parses extension
   * headers later.
   */
  parse(packet: Uint8Array, addresses: OwnAddresses): DropReason | undefined {
    if (packet.length === 0) return 'ip-truncated';
    const version = ipVersion(packet, 0);
    if (version !== 4 && version !== 6) return 'ip-version';
    this.isIpv6 = version === 6;
    const error = this.isIpv6 ? ipv6HeaderError(packet) : ipv4HeaderError(packet);
    if (error !== undefined) return error;
    this.bytes = packet;
    const size = this.isIpv6 ? 16 : 4;
    const at = this.isIpv6 ? IPV6_SOURCE : IPV4_SOURCE;
    // Multicast and broadcast packets are dropped here without a reply, because no such address is
    // local.
    const key = this.#destinations.keyAt(packet, at + size, size);
    const localIndex = addresses.indexOfKey(key) ?? addresses.adopt(key, this.destination);
    if (localIndex === undefined) return 'ip-destination';
    this.localIndex = localIndex;
    this.sourceKey = this.#sources.keyAt(packet, at, size);
    if (this.sourceKey !== this.#unicastKey) {
      if (!isUnicast(this.source)) return 'ip-source';
      this.#unicastKey = this.sourceKey;
    }
    // A local source address is spoofed, because packets to local addresses never enter the tunnel.
    if (addresses.indexOfKey(this.sourceKey) !== undefined) return 'ip-source';
    if (this.isIpv6) {
      this.protocol = packet[IPV6_NEXT_HEADER]!;
      this.offset = IPV6_HEADER_LENGTH;
      this.length = ipv6PayloadLength(packet, 0);
    } else {
      this.protocol = ipv4Protocol(packet, 0);
      this.offset = ipv4HeaderLength(packet, 0);
      this.length = ipv4TotalLength(packet, 0) - this.offset;
    }
    return undefined;
  }

  /** Skips headers: the header of upper-layer protocol `protocol` starts at `offset`. */
  passTo(protocol: number, offset: number): void {
    const { end } = this;
    this.protocol = protocol;
    this.offset = offset;
    this.length = end - offset;
  }

  release(): void {
    this.bytes = NOTHING;
  }
}
