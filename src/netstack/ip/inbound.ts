import type { IpAddress } from '../../wire/ip-address.js';
import {
  ipv4Destination,
  ipv4HeaderError,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipVersion,
} from '../../wire/ipv4.js';
import {
  IPV6_HEADER_LENGTH,
  IPV6_NEXT_HEADER,
  ipv6Destination,
  ipv6HeaderError,
  ipv6PayloadLength,
  ipv6Source,
} from '../../wire/ipv6.js';
import type { DropReason } from '../drop-reason.js';
import { AddressKeyMemo } from './address-key-memo.js';
import { isUnicast, type OwnAddresses } from './own-addresses.js';

const NOTHING = new Uint8Array(0);

/** An arriving IP packet. One object serves all packets in turn. */
export class Inbound {
  bytes: Uint8Array = NOTHING;
  isIpv6 = false;
  /** The index of our address that it was sent to. */
  localIndex = 0;
  /** The source address as addressKey() makes it. */
  sourceKey: number | string = 0;
  protocol = 0;
  /** What lies behind the IP header, and in IPv6 behind the extension headers that were passed. */
  offset = 0;
  length = 0;
  readonly #sources = new AddressKeyMemo();
  readonly #destinations = new AddressKeyMemo();

  /** The source address, as a view into the packet. */
  get source(): IpAddress {
    return this.isIpv6 ? ipv6Source(this.bytes, 0) : ipv4Source(this.bytes, 0);
  }

  /** The destination address, as a view into the packet. */
  get destination(): IpAddress {
    return this.isIpv6 ? ipv6Destination(this.bytes, 0) : ipv4Destination(this.bytes, 0);
  }

  /** Where the packet ends in `bytes`; what follows is not part of it. */
  get end(): number {
    return this.offset + this.length;
  }

  /**
   * Takes a packet; says why it is none for us, if so. IPv4 options are passed unread: RFC 1122
   * 3.2.1.8, what is not understood MUST be ignored. Extension headers are the IP layer's.
   */
  parse(packet: Uint8Array, addresses: OwnAddresses): DropReason | undefined {
    if (packet.length === 0) return 'ip-truncated';
    const version = ipVersion(packet, 0);
    if (version !== 4 && version !== 6) return 'ip-version';
    this.isIpv6 = version === 6;
    const error = this.isIpv6 ? ipv6HeaderError(packet) : ipv4HeaderError(packet);
    if (error !== undefined) return error;
    this.bytes = packet;
    // Multicast and broadcast end here: no such address is ours, and nothing is answered.
    const localIndex = addresses.indexOfKey(this.#destinations.keyOf(this.destination));
    if (localIndex === undefined) return 'ip-destination';
    const { source } = this;
    if (!isUnicast(source)) return 'ip-source';
    this.localIndex = localIndex;
    this.sourceKey = this.#sources.keyOf(source);
    // Nobody but us has it, and what we send to ourselves never leaves.
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

  /** Passes headers: the upper layer `protocol` begins at `offset`. */
  passTo(protocol: number, offset: number): void {
    const { end } = this;
    this.protocol = protocol;
    this.offset = offset;
    this.length = end - offset;
  }

  /** Lets go of the packet. */
  release(): void {
    this.bytes = NOTHING;
  }
}
