/** Walks the extension headers of an arriving IPv6 packet: RFC 8200 4. */
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

/** More headers than any honest packet has. */
const MAXIMUM_HEADERS = 8;

/** Options of one header, padding apart: RFC 8504 5.3 lets a host set a limit, and names eight. */
const MAXIMUM_OPTIONS = 8;

const PAD1 = 0;
const PADN = 1;

/** Fields of a routing header: RFC 8200 4.4. */
const ROUTING_TYPE = 2;
const SEGMENTS_LEFT = 3;

/** How a walk ended: at an upper layer, at a fragment header, or in a drop. */
export type WalkEnd = 'upper-layer' | 'fragment' | DropReason;

/** One object serves all packets in turn. */
export class ExtensionHeaders {
  /** What the headers end in, where that lies, and where it was named. */
  protocol = 0;
  offset = 0;
  namedAt = 0;
  /** The code and pointer of the parameter problem to answer with; a code of -1 is none. */
  problemCode = -1;
  problemPointer = 0;

  /** Walks from the IPv6 header at the start of `bytes` to an upper layer or fragment header. */
  walk(bytes: Uint8Array, end: number): WalkEnd {
    this.namedAt = IPV6_NEXT_HEADER;
    this.offset = IPV6_HEADER_LENGTH;
    return this.#walk(bytes, end);
  }

  /** Goes on behind the fragment header that the last walk ended at. */
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

  /** Judges the header at `offset`; undefined when it may be passed. */
  #judge(bytes: Uint8Array, end: number): WalkEnd | undefined {
    switch (this.protocol) {
      case PROTOCOL_TCP:
      case PROTOCOL_UDP:
      case PROTOCOL_ICMPV6:
        return 'upper-layer';
      case NO_NEXT_HEADER:
        // RFC 8200 4.7: what follows MUST be ignored.
        return 'ip-no-next-header';
      case FRAGMENT_HEADER:
        return this.offset + FRAGMENT_HEADER_LENGTH > end ? 'ip-truncated' : 'fragment';
      case HOP_BY_HOP_OPTIONS:
        // RFC 8200 4: elsewhere than behind the IPv6 header it is a header that nobody knows.
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

  /** RFC 8200 4.2: the two highest bits say what to do about an option that is not known. */
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
        // The destination is never multicast here, so that 2 and 3 mean the same.
        if (action > 1) return this.#problem('ip-extension', ICMPV6_UNRECOGNIZED_OPTION, at);
      }
      at = next;
    }
    return undefined;
  }

  /**
   * RFC 8200 4.4: no type is known here, and type 0 is gone (RFC 5095). With segments left the
   * packet is discarded and answered, else the header is ignored.
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
