/** A parsed TCP packet, for coalescing. One object is reused for many packets. */
import { readInt32, readUint16 } from '../../wire/bytes.js';
import { isChecksumValid, sumBytes } from '../../wire/checksum.js';
import {
  IPV4_HEADER_LENGTH,
  ipv4IsFragment,
  ipv4Protocol,
  ipv4TotalLength,
  ipVersion,
  PROTOCOL_TCP,
} from '../../wire/ipv4.js';
import { IPV6_HEADER_LENGTH, IPV6_NEXT_HEADER, ipv6PayloadLength } from '../../wire/ipv6.js';
import {
  ACK,
  PSH,
  TCP_HEADER_LENGTH,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
} from '../../wire/tcp.js';

/** Offsets of the two addresses in the IP header; the source comes first. */
const ADDRESSES_V4 = 12;
const ADDRESSES_V6 = 8;

const TCP_ACKNOWLEDGMENT = 8;
const TCP_DATA_OFFSET = 12;
const TCP_WINDOW = 14;

export class TcpPacket {
  bytes: Uint8Array = new Uint8Array(0);
  version: 4 | 6 = 4;
  /** The offset of the TCP header, which equals the length of the IP header. */
  transport = 0;
  /** The offset of the payload. */
  payload = 0;
  sequence = 0;
  flags = 0;

  get payloadLength(): number {
    return this.bytes.length - this.payload;
  }

  /** Whether the packet carries data and no flags except ACK and PSH. */
  get isPlainData(): boolean {
    return (this.flags & ~PSH) === ACK && this.payloadLength > 0;
  }

  /** Whether PSH is set: the sender has no more data for now. */
  get isPushed(): boolean {
    return (this.flags & PSH) !== 0;
  }

  /**
   * Parses a packet.
   *
   * @returns false for fragments, other protocols, IPv4 options or IPv6 extension headers
   */
  read(bytes: Uint8Array): boolean {
    const transport = plainHeaderLength(bytes);
    if (transport === 0 || transport + TCP_HEADER_LENGTH > bytes.length) return false;
    const headerLength = tcpHeaderLength(bytes, transport);
    if (headerLength < TCP_HEADER_LENGTH || transport + headerLength > bytes.length) return false;
    this.bytes = bytes;
    this.version = transport === IPV4_HEADER_LENGTH ? 4 : 6;
    this.transport = transport;
    this.payload = transport + headerLength;
    this.sequence = tcpSequence(bytes, transport);
    this.flags = tcpFlags(bytes, transport);
    return true;
  }

  /** Whether both packets belong to the same connection and direction. */
  isSameFlow(other: TcpPacket): boolean {
    if (this.version !== other.version) return false;
    const [mine, theirs] = [this.bytes, other.bytes];
    const at = this.transport;
    if (readInt32(mine, at) !== readInt32(theirs, at)) return false;
    const addresses = this.version === 4 ? ADDRESSES_V4 : ADDRESSES_V6;
    return isEqual(mine, theirs, addresses, at);
  }

  /** Whether all header fields that must match within one coalesced packet are equal. */
  hasSameHeaders(other: TcpPacket): boolean {
    if (this.payload !== other.payload) return false;
    const [mine, theirs] = [this.bytes, other.bytes];
    const at = this.transport;
    return (
      (this.version === 4 ? isSameIpv4(mine, theirs) : isSameIpv6(mine, theirs)) &&
      isEqual(mine, theirs, at + TCP_ACKNOWLEDGMENT, at + TCP_DATA_OFFSET) &&
      isEqual(mine, theirs, at + TCP_WINDOW, at + TCP_WINDOW + 2) &&
      isEqual(mine, theirs, at + TCP_HEADER_LENGTH, this.payload)
    );
  }

  hasValidChecksum(): boolean {
    const { bytes, transport } = this;
    const length = bytes.length - transport;
    return isChecksumValid(this.sumPseudoHeader(length) + sumBytes(bytes, transport, length));
  }

  /** @param length the length of TCP header and payload, in bytes */
  sumPseudoHeader(length: number): number {
    const addresses = this.version === 4 ? ADDRESSES_V4 : ADDRESSES_V6;
    const { bytes, transport } = this;
    return sumBytes(bytes, addresses, transport - addresses) + PROTOCOL_TCP + length;
  }
}

/** Returns the IP header's length; 0 unless a whole TCP segment follows a plain IP header. */
function plainHeaderLength(bytes: Uint8Array): number {
  if (bytes.length < IPV4_HEADER_LENGTH) return 0;
  if (ipVersion(bytes, 0) === 4) {
    // The version and the header length share one byte.
    const isPlain = bytes[0] === 0x45 && ipv4Protocol(bytes, 0) === PROTOCOL_TCP;
    const isWhole = !ipv4IsFragment(bytes, 0) && ipv4TotalLength(bytes, 0) === bytes.length;
    return isPlain && isWhole ? IPV4_HEADER_LENGTH : 0;
  }
  if (bytes.length < IPV6_HEADER_LENGTH || bytes[IPV6_NEXT_HEADER] !== PROTOCOL_TCP) return 0;
  const isWhole = IPV6_HEADER_LENGTH + ipv6PayloadLength(bytes, 0) === bytes.length;
  return isWhole ? IPV6_HEADER_LENGTH : 0;
}

const IPV4_TYPE_OF_SERVICE = 1;
const IPV4_FLAGS = 6;
const IPV4_TIME_TO_LIVE = 8;
const IPV6_HOP_LIMIT = 7;

function isSameIpv4(left: Uint8Array, right: Uint8Array): boolean {
  return (
    left[IPV4_TYPE_OF_SERVICE] === right[IPV4_TYPE_OF_SERVICE] &&
    left[IPV4_TIME_TO_LIVE] === right[IPV4_TIME_TO_LIVE] &&
    readUint16(left, IPV4_FLAGS) === readUint16(right, IPV4_FLAGS)
  );
}

/** Version, traffic class and flow label share one 32-bit word. */
function isSameIpv6(left: Uint8Array, right: Uint8Array): boolean {
  const isSameFlowLabel = readInt32(left, 0) === readInt32(right, 0);
  return isSameFlowLabel && left[IPV6_HOP_LIMIT] === right[IPV6_HOP_LIMIT];
}

function isEqual(left: Uint8Array, right: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}
