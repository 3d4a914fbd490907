/** Receives IP packets and passes them to the upper layers (RFC 791, RFC 1122 3, RFC 8200). */
import type { DropCounter } from '../../lib/drop-counter.js';
import {
  finishIpv4Header,
  ipv4FragmentOffset,
  ipv4HasMoreFragments,
  ipv4Identification,
  ipv4IsFragment,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  writeIpv4Fragment,
} from '../../wire/ipv4.js';
import {
  finishIpv6Header,
  FRAGMENT_HEADER_LENGTH,
  FRAGMENT_OFFSET,
  fragmentIdentification,
  fragmentOffset,
  hasMoreFragments,
  IPV6_HEADER_LENGTH,
  IPV6_PAYLOAD_LENGTH,
  PROTOCOL_ICMPV6,
} from '../../wire/ipv6.js';
import { ICMPV6_ERRONEOUS_FIELD, ICMPV6_INCOMPLETE_HEADER_CHAIN } from '../../wire/icmpv6.js';
import { TCP_HEADER_LENGTH } from '../../wire/tcp.js';
import { UDP_HEADER_LENGTH } from '../../wire/udp.js';
import type { DropReason } from '../drop-reason.js';
import type { IcmpErrorSender } from '../icmp/icmp-error-sender.js';
import { ExtensionHeaders } from './extension-headers.js';
import { Inbound } from './inbound.js';
import type { OwnAddresses } from './own-addresses.js';
import { type Fragment, Reassembly, type ReassemblyLimits } from './reassembly.js';

/** The maximum value of a 16-bit length field. */
const MAXIMUM_LENGTH = 0xffff;

export interface IpProtocolOptions {
  readonly addresses: OwnAddresses;
  readonly drops: DropCounter<DropReason>;
  readonly limits: ReassemblyLimits;
  readonly errors: IcmpErrorSender;
}

export class IpProtocol {
  readonly #addresses: OwnAddresses;
  readonly #drops: DropCounter<DropReason>;
  readonly #errors: IcmpErrorSender;
  readonly #reassembly: Reassembly;
  readonly #headers = new ExtensionHeaders();

  constructor({ addresses, drops, limits, errors }: IpProtocolOptions) {
    this.#addresses = addresses;
    this.#drops = drops;
    this.#errors = errors;
    this.#reassembly = new Reassembly(limits, drops);
  }

  get reassemblyBytes(): number {
    return this.#reassembly.usedBytes;
  }

  /**
   * Parses a packet into `inbound`. Returns true if an upper layer must process the packet.
   * Otherwise, the packet was dropped and counted, or is a fragment of an incomplete datagram.
   */
  receive(packet: Uint8Array, inbound: Inbound, now: number): boolean {
    if (!this.#parse(packet, inbound)) return false;
    if (inbound.isIpv6) return this.#receiveIpv6(inbound, now);
    return !ipv4IsFragment(packet, 0) || this.#receiveIpv4Fragment(inbound, now);
  }

  nextTimeout(): number {
    return this.#reassembly.nextTimeout();
  }

  /** Discards expired datagrams and notifies their senders (RFC 1122 3.3.2, RFC 8200 4.5). */
  handleTimeout(now: number): void {
    this.#reassembly.expire(now, (first) => {
      const inbound = new Inbound();
      if (inbound.parse(first, this.#addresses) === undefined) {
        this.#errors.sendReassemblyTimeExceeded(inbound, now);
      }
    });
  }

  #parse(packet: Uint8Array, inbound: Inbound): boolean {
    const reason = inbound.parse(packet, this.#addresses);
    if (reason !== undefined) this.#drops.count(reason);
    return reason === undefined;
  }

  #receiveIpv4Fragment(inbound: Inbound, now: number): boolean {
    const { bytes, offset, length, end } = inbound;
    const start = ipv4FragmentOffset(bytes, 0);
    const isLast = !ipv4HasMoreFragments(bytes, 0);
    // RFC 791 3.2: the length of every fragment except the last is a multiple of 8.
    if (length === 0 || (!isLast && length % 8 !== 0) || offset + start + length > MAXIMUM_LENGTH) {
      this.#drops.count('ip-fragment');
      return false;
    }
    let header: Uint8Array | undefined;
    const identification = ipv4Identification(bytes, 0);
    if (start === 0) {
      header = bytes.slice(0, offset);
      writeIpv4Fragment(header, 0, { start: 0, more: false }, identification);
    }
    const addresses = String.fromCharCode(...bytes.subarray(12, 20));
    const key = `4${addresses}${inbound.protocol}:${identification}`;
    const packet = bytes.subarray(0, end);
    const whole = this.#reassemble({ key, packet, dataOffset: offset, start, isLast, header }, now);
    if (whole === undefined) return false;
    finishIpv4Header(whole, 0, whole.length);
    return this.#parse(whole, inbound);
  }

  #receiveIpv6(inbound: Inbound, now: number, isWhole = false): boolean {
    const headers = this.#headers;
    const { bytes, end } = inbound;
    let outcome = headers.walk(bytes, end);
    if (outcome === 'fragment' && !isWhole) {
      const at = headers.offset;
      const isAtomic = fragmentOffset(bytes, at) === 0 && !hasMoreFragments(bytes, at);
      // RFC 6946 4: process an atomic fragment separately from other fragments.
      if (!isAtomic) return this.#receiveIpv6Fragment(inbound, now);
      outcome = headers.walkBehindFragment(bytes, end);
    }
    if (outcome !== 'upper-layer') {
      // A packet may have only one fragment header.
      this.#refuse(inbound, outcome === 'fragment' ? 'ip-fragment' : outcome, now);
      return false;
    }
    inbound.passTo(headers.protocol, headers.offset);
    return true;
  }

  /** Drops a packet and sends a parameter problem if RFC 8200 4, 4.2 or 4.4 requires one. */
  #refuse(inbound: Inbound, reason: DropReason, now: number): void {
    const { problemCode, problemPointer } = this.#headers;
    this.#drops.count(reason);
    if (problemCode >= 0) {
      this.#errors.sendParameterProblem(inbound, problemCode, problemPointer, now);
    }
  }

  /** Processes a fragment; checks the error conditions in the order of RFC 8200 4.5. */
  #receiveIpv6Fragment(inbound: Inbound, now: number): boolean {
    const headers = this.#headers;
    const { bytes, end } = inbound;
    const { offset: at, namedAt } = headers;
    const dataOffset = at + FRAGMENT_HEADER_LENGTH;
    const length = end - dataOffset;
    const start = fragmentOffset(bytes, at);
    const isLast = !hasMoreFragments(bytes, at);
    const problem = (reason: DropReason, code: number, pointer: number): false => {
      this.#drops.count(reason);
      this.#errors.sendParameterProblem(inbound, code, pointer, now);
      return false;
    };
    if (!isLast && length % 8 !== 0) {
      return problem('ip-fragment', ICMPV6_ERRONEOUS_FIELD, IPV6_PAYLOAD_LENGTH);
    }
    if (at - IPV6_HEADER_LENGTH + start + length > MAXIMUM_LENGTH) {
      return problem('ip-fragment', ICMPV6_ERRONEOUS_FIELD, at + FRAGMENT_OFFSET);
    }
    if (length === 0) {
      this.#drops.count('ip-fragment');
      return false;
    }
    if (start === 0 && !this.#hasWholeChain(bytes, end)) {
      return problem('ip-header-chain', ICMPV6_INCOMPLETE_HEADER_CHAIN, 0);
    }
    const identification = fragmentIdentification(bytes, at);
    const key = `6${String.fromCharCode(...bytes.subarray(8, 40))}${identification}`;
    let header: Uint8Array | undefined;
    if (start === 0) {
      header = bytes.slice(0, at);
      header[namedAt] = bytes[at]!;
    }
    const packet = bytes.subarray(0, end);
    const whole = this.#reassemble({ key, packet, dataOffset, start, isLast, header }, now);
    if (whole === undefined) return false;
    finishIpv6Header(whole, 0, whole.length - IPV6_HEADER_LENGTH);
    return this.#parse(whole, inbound) && this.#receiveIpv6(inbound, now, true);
  }

  /** RFC 7112 5: the first fragment must contain all headers, including the upper layer's. */
  #hasWholeChain(bytes: Uint8Array, end: number): boolean {
    const headers = this.#headers;
    const outcome = headers.walkBehindFragment(bytes, end);
    if (outcome !== 'upper-layer') return outcome !== 'ip-truncated';
    return headers.offset + upperHeaderLength(headers.protocol) <= end;
  }

  #reassemble(fragment: Fragment, now: number): Uint8Array | undefined {
    // Expire datagrams first, because some may be due now although handleTimeout() has not been
    // called yet.
    if (this.#reassembly.nextTimeout() <= now) this.handleTimeout(now);
    const whole = this.#reassembly.insert(fragment, now);
    if (whole === undefined) return undefined;
    // Check the length again: the first fragment's headers may be longer than those of the fragment
    // that was checked.
    const counted = fragment.key.startsWith('6') ? whole.length - IPV6_HEADER_LENGTH : whole.length;
    if (counted <= MAXIMUM_LENGTH) return whole;
    this.#drops.count('ip-fragment');
    return undefined;
  }
}

/** The minimum length of the upper layer's header. */
function upperHeaderLength(protocol: number): number {
  switch (protocol) {
    case PROTOCOL_TCP:
      return TCP_HEADER_LENGTH;
    case PROTOCOL_UDP:
      return UDP_HEADER_LENGTH;
    case PROTOCOL_ICMPV6:
      return ICMPV6_HEADER_LENGTH;
    default:
      return 0;
  }
}

/** The ICMPv6 header of RFC 4443 2.1: type, code, checksum. */
const ICMPV6_HEADER_LENGTH = 4;
