/**
 * What a network card does for received TCP, done here: segments in sequence become one packet of up
 * to 64 KiB, which costs the kernel no more than one of them. The rules are those of Linux's GRO, so
 * that whoever forwards such a packet cuts it into the very segments that came.
 */
import { readUint16, writeUint16 } from '../../wire/bytes.js';
import { finishChecksum } from '../../wire/checksum.js';
import { finishIpv4Header } from '../../wire/ipv4.js';
import { finishIpv6Header, IPV6_HEADER_LENGTH } from '../../wire/ipv6.js';
import { PSH } from '../../wire/tcp.js';
import {
  VIRTIO_NET_GSO_NONE,
  VIRTIO_NET_GSO_TCPV4,
  VIRTIO_NET_GSO_TCPV6,
  VIRTIO_NET_HEADER_LENGTH,
  VIRTIO_NET_NEEDS_CHECKSUM,
  type VirtioNetHeader,
  writeVirtioNetHeader,
} from '../../wire/virtio-net.js';
import { TcpPacket } from './tcp-packet.js';

/** What the length field of IPv4 can say; IPv6's could say 40 more. */
const LONGEST_PACKET = 65_535;

/** Connections that are put together at once; where one more comes, the oldest goes on as it is. */
const MAX_FLOWS = 8;

/** Segments of one packet: a frame has no more parts than IOV_MAX, 1,024. */
const MAX_SEGMENTS = 1_024;

const TCP_FLAGS = 13;
const TCP_CHECKSUM = 16;
const IPV4_IDENTIFICATION = 4;
const IPV4_FLAGS = 6;
const DONT_FRAGMENT = 0x4000;

const WHOLE_PACKET: VirtioNetHeader = {
  flags: 0,
  segmentation: VIRTIO_NET_GSO_NONE,
  headersLength: 0,
  segmentSize: 0,
  checksumStart: 0,
  checksumOffset: 0,
};

/** Takes the parts of a frame, in order, and is done with them when it returns. */
export type WriteFrame = (parts: readonly Uint8Array[]) => void;

export class TcpCoalescer {
  readonly #write: WriteFrame;
  /** In the order in which they began. */
  readonly #flows: Flow[] = [];
  readonly #idle: Flow[] = [];
  #packet = new TcpPacket();

  constructor(write: WriteFrame) {
    this.#write = write;
  }

  /**
   * Takes a packet: a view with 10 bytes in front of it, which are ours as the packet is, until flush().
   * What belongs to one connection is written in the order in which it came.
   */
  add(bytes: Uint8Array): void {
    const packet = this.#packet;
    if (!packet.read(bytes)) {
      this.#write([frameOf(bytes, WHOLE_PACKET)]);
      return;
    }
    const flow = this.#flows.find((known) => packet.isSameFlow(known.head));
    if (flow?.append(packet) === true) {
      if (flow.isComplete) this.#end(flow);
      return;
    }
    if (flow !== undefined) this.#end(flow);
    if (packet.isPlainData && !packet.isPushed) this.#begin(packet);
    else this.#write([frameOf(bytes, WHOLE_PACKET)]);
  }

  /** Writes all that was kept back. */
  flush(): void {
    for (const flow of this.#flows) {
      this.#write(flow.finish());
      this.#idle.push(flow);
    }
    this.#flows.length = 0;
  }

  #begin(packet: TcpPacket): void {
    if (this.#flows.length >= MAX_FLOWS) this.#end(this.#flows[0]!);
    const flow = this.#idle.pop() ?? new Flow();
    this.#packet = flow.begin(packet);
    this.#flows.push(flow);
  }

  #end(flow: Flow): void {
    this.#flows.splice(this.#flows.indexOf(flow), 1);
    this.#write(flow.finish());
    this.#idle.push(flow);
  }
}

/** Segments of one connection that came one after the other. */
class Flow {
  head = new TcpPacket();
  /** Nothing more can be appended. */
  isComplete = false;
  /** The payloads behind that of the head. */
  readonly #payloads: Uint8Array[] = [];
  /** Of the packet, headers included. */
  #length = 0;
  #isPushed = false;

  /**
   * Begins with a first segment.
   *
   * @returns a TcpPacket to read the next one into
   */
  begin(packet: TcpPacket): TcpPacket {
    const free = this.head;
    this.head = packet;
    this.isComplete = false;
    this.#payloads.length = 0;
    this.#length = packet.bytes.length;
    this.#isPushed = false;
    return free;
  }

  /** Takes the segment in, or returns false where it does not follow. */
  append(packet: TcpPacket): boolean {
    const { head } = this;
    const size = head.payloadLength;
    const length = packet.payloadLength;
    const carried = this.#length - head.payload;
    const follows =
      packet.isPlainData &&
      packet.sequence === ((head.sequence + carried) | 0) &&
      length <= size &&
      this.#length + length <= LONGEST_PACKET &&
      this.#segments < MAX_SEGMENTS &&
      packet.hasSameHeaders(head) &&
      this.#hasNextIdentification(packet);
    // The checksum of the whole is the kernel's to make: what is wrong must not become right.
    if (!follows || !packet.hasValidChecksum()) return false;
    if (this.#segments === 1 && !head.hasValidChecksum()) return false;
    this.#payloads.push(packet.bytes.subarray(packet.payload));
    this.#length += length;
    this.#isPushed = packet.isPushed;
    this.isComplete = length < size || packet.isPushed;
    return true;
  }

  /** The parts of the frame. */
  finish(): readonly Uint8Array[] {
    const { bytes } = this.head;
    if (this.#payloads.length === 0) return [frameOf(bytes, WHOLE_PACKET)];
    const { version, transport, payload, payloadLength } = this.head;
    if (version === 4) finishIpv4Header(bytes, 0, this.#length);
    else finishIpv6Header(bytes, 0, this.#length - IPV6_HEADER_LENGTH);
    if (this.#isPushed) bytes[transport + TCP_FLAGS]! |= PSH;
    const sum = this.head.sumPseudoHeader(this.#length - transport);
    writeUint16(bytes, transport + TCP_CHECKSUM, ~finishChecksum(sum));
    const frame = frameOf(bytes, {
      flags: VIRTIO_NET_NEEDS_CHECKSUM,
      segmentation: version === 4 ? VIRTIO_NET_GSO_TCPV4 : VIRTIO_NET_GSO_TCPV6,
      headersLength: payload,
      segmentSize: payloadLength,
      checksumStart: transport,
      checksumOffset: TCP_CHECKSUM,
    });
    return [frame, ...this.#payloads];
  }

  get #segments(): number {
    return 1 + this.#payloads.length;
  }

  /** RFC 6864 4: the identification of what may not be fragmented means nothing. */
  #hasNextIdentification({ bytes, version }: TcpPacket): boolean {
    if (version === 6 || (readUint16(bytes, IPV4_FLAGS) & DONT_FRAGMENT) !== 0) return true;
    const first = readUint16(this.head.bytes, IPV4_IDENTIFICATION);
    return readUint16(bytes, IPV4_IDENTIFICATION) === ((first + this.#segments) & 0xffff);
  }
}

/** The packet with its virtio_net_hdr, which is written into the bytes in front of it. */
function frameOf(packet: Uint8Array, header: VirtioNetHeader): Uint8Array {
  const start = packet.byteOffset - VIRTIO_NET_HEADER_LENGTH;
  const frame = new Uint8Array(packet.buffer, start, VIRTIO_NET_HEADER_LENGTH + packet.length);
  writeVirtioNetHeader(frame, 0, header);
  return frame;
}
