/** Parses the extension headers of a received IPv6 packet (RFC 8200 4). */
import { PROTOCOL_TCP, PROTOCOL_UDP } from '../../wire/ipv4.js';
import {
  DESTINATION_OPTIONS,
  extensionHeaderLength,
  FRAGMENT_HEADER,
  FRAGMENT_HEADER_LENGTH,
  HOP_BY_HOP_OPTIONS,
  IPV6_HEADER_LENGTH,
  IPV6_NEXT_HEADER,
  NO_NEXT_HEADER,
  PROTOCOL_ICMPV6,
  ROUTING_HEADER,
} from '../../wire/ipv6.js';
import {
  ICMPV6_ERRONEOUS_FIELD,
  ICMPV6_UNRECOGNIZED_NEXT_HEADER,
  ICMPV6_UNRECOGNIZED_OPTION,
} from '../../wire/icmpv6.js';
import type { DropReason } from '../drop-reason.js';

/** The maximum number of extension headers; legitimate packets have fewer. */
const MAXIMUM_HEADERS = 8;

/**
 * The maximum number of options in one header, excluding padding. RFC 8504 5.3 permits such a limit
 * and suggests eight.
 */
const MAXIMUM_OPTIONS = 8;

const PAD1 = 0;
const PADN = 1;

/** Field offsets in a routing header (RFC 8200 4.4). */
const ROUTING_TYPE = 2;
const SEGMENTS_LEFT = 3;

/**
 * The result of parsing: an upper layer or a fragment header was found, or why the packet is
 * dropped.
 */
export type WalkEnd = 'upper-layer' | 'fragment' | DropReason;

/** Parses the headers of one packet at a time. One object is reused for all packets. */
export class ExtensionHeaders {
  /** The next protocol, its header's offset, and the offset of the preceding Next Header field. */
  protocol = 0;
  offset = 0;
  namedAt = 0;
  /** The code and pointer of the ICMPv6 parameter problem to send; a code of -1 means none. */
  problemCode = -1;
  problemPointer = 0;

  /** Parses from the IPv6 header at the start of `bytes` to an upper layer or fragment header. */
  walk(bytes: Uint8Array, end: number): WalkEnd {
    this.namedAt = IPV6_NEXT_HEADER;
    this.offset = IPV6_HEADER_LENGTH;
    return this.#walk(bytes, end);
  }

  /** Continues after the fragment header where the last call stopped. */
  walkBehindFragment(bytes: Uint8Array, end: number): WalkEnd {
    this.namedAt = this.offset;
    this.offset += FRAGMENT_HEADER_LENGTH;
    return this.#walk(bytes, end);
  }

  #walk(bytes: Uint8Array, end: number): WalkEnd {
    this.problemCode = -1;
    for (let passed = 0; passed <= MAXIMUM_HEADERS; passed++) {
      this.protocol = bytes[this.namedAt]!;
      const result = this.#judge(bytes, end);
      if (result !== undefined) return result;
      this.namedAt = this.offset;
      this.offset += extensionHeaderLength(bytes, this.offset);
    }
    return 'ip-extension';
  }

  /** Processes the header at `offset`; returns undefined if parsing continues with the next one. */
  #judge(bytes: Uint8Array, end: number): WalkEnd | undefined {
    switch (this.protocol) {
      case PROTOCOL_TCP:
      case PROTOCOL_UDP:
      case PROTOCOL_ICMPV6:
        return 'upper-layer';
      case NO_NEXT_HEADER:
        // RFC 8200 4.7: data after No Next Header MUST be ignored.
        return 'ip-no-next-header';
      case FRAGMENT_HEADER:
        return this.offset + FRAGMENT_HEADER_LENGTH > end ? 'ip-truncated' : 'fragment';
      case HOP_BY_HOP_OPTIONS:
        // RFC 8200 4: hop-by-hop options are only valid directly after the IPv6 header; elsewhere
        // they are treated as an unrecognized next header.
        if (this.namedAt !== IPV6_NEXT_HEADER) break;
        return this.#measure(bytes, end) ?? this.#judgeOptions(bytes);
      case DESTINATION_OPTIONS:
        return this.#measure(bytes, end) ?? this.#judgeOptions(bytes);
      case ROUTING_HEADER:
        return this.#measure(bytes, end) ?? this.#judgeRouting(bytes);
      default:
    }
    return this.#problem('ip-protocol', ICMPV6_UNRECOGNIZED_NEXT_HEADER, this.namedAt);
  }

  #measure(bytes: Uint8Array, end: number): DropReason | undefined {
    if (this.offset + 8 > end) return 'ip-truncated';
    if (this.offset + extensionHeaderLength(bytes, this.offset) > end) return 'ip-truncated';
    return undefined;
  }

  /** RFC 8200 4.2: the top two bits of an unknown option's type define how to handle the option. */
  #judgeOptions(bytes: Uint8Array): DropReason | undefined {
    const end = this.offset + extensionHeaderLength(bytes, this.offset);
    let at = this.offset + 2;
    let options = 0;
    while (at < end) {
      const type = bytes[at]!;
      if (type === PAD1) {
        at += 1;
        continue;
      }
      const next = at + 1 < end ? at + 2 + bytes[at + 1]! : Infinity;
      if (next > end) return this.#problem('ip-extension', ICMPV6_ERRONEOUS_FIELD, at);
      if (type !== PADN) {
        if (++options > MAXIMUM_OPTIONS) return 'ip-extension';
        const action = type >> 6;
        if (action === 1) return 'ip-extension';
        // Actions 2 and 3 are equivalent here, because the destination is never multicast.
        if (action > 1) return this.#problem('ip-extension', ICMPV6_UNRECOGNIZED_OPTION, at);
      }
      at = next;
    }
    return undefined;
  }

  /**
   * RFC 8200 4.4: no routing type is supported, and RFC 5095 deprecates type 0. A routing header
   * with segments left causes a parameter problem; any other routing header is ignored.
   */
  #judgeRouting(bytes: Uint8Array): DropReason | undefined {
    if (bytes[this.offset + SEGMENTS_LEFT] === 0) return undefined;
    return this.#problem('ip-routing', ICMPV6_ERRONEOUS_FIELD, this.offset + ROUTING_TYPE);
  }

  #problem(reason: DropReason, code: number, pointer: number): DropReason {
    this.problemCode = code;
    this.problemPointer = pointer;
    return reason;
  }
}
