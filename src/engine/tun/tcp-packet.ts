/** What coalescing has to know of a packet: read once, into the same object. */
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

/** The addresses of a packet, source before destination. */
const ADDRESSES_V4 = 12;
const ADDRESSES_V6 = 8;

const TCP_ACKNOWLEDGMENT = 8;
const TCP_DATA_OFFSET = 12;
const TCP_WINDOW = 14;

export class TcpPacket {
  bytes: Uint8Array = new Uint8Array(0);
  version: 4 | 6 = 4;
  /** Where the TCP header begins, which is the length of the IP header. */
  transport = 0;
  /** Where the payload begins. */
  payload = 0;
  sequence = 0;
  flags = 0;

  get payloadLength(): number {
    return this.bytes.length - this.payload;
  }

  /** It carries data, and nothing that has to be seen on its own. */
  get isPlainData(): boolean {
    return (this.flags & ~PSH) === ACK && this.payloadLength > 0;
  }

  /** It ends what its sender had to say for now. */
  get isPushed(): boolean {
    return (this.flags & PSH) !== 0;
  }

  /**
   * Reads a packet.
   *
   * @returns false for what is no TCP, or has more between its IP and TCP header than can be compared:
   *   options of IPv4, extension headers of IPv6, a fragment
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

  /** Whether it is of the connection and direction that `other` is of. */
  isSameFlow(other: TcpPacket): boolean {
    if (this.version !== other.version) return false;
    const [mine, theirs] = [this.bytes, other.bytes];
    const at = this.transport;
    if (readInt32(mine, at) !== readInt32(theirs, at)) return false;
    const addresses = this.version === 4 ? ADDRESSES_V4 : ADDRESSES_V6;
    return isEqual(mine, theirs, addresses, at);
  }

  /** Whether all of its headers that a segment of the same packet shares are those of `other`. */
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

  /** @param length of TCP header and payload */
  sumPseudoHeader(length: number): number {
    const addresses = this.version === 4 ? ADDRESSES_V4 : ADDRESSES_V6;
    const { bytes, transport } = this;
    return sumBytes(bytes, addresses, transport - addresses) + PROTOCOL_TCP + length;
  }
}

/** Length of the IP header of a whole TCP packet that has nothing behind it but TCP; else 0. */
function plainHeaderLength(bytes: Uint8Array): number {
  if (bytes.length < IPV4_HEADER_LENGTH) return 0;
  if (ipVersion(bytes, 0) === 4) {
    // Header length and version are one byte.
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

/** Version, traffic class and flow label are one word. */
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
