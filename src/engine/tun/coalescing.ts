/**
 * Coalesces received TCP segments, as a network card does. Consecutive segments become one packet
 * of up to 64 KiB, which the kernel processes as fast as a single segment. The rules are those of
 * Linux's GRO, so a forwarder that splits the packet produces the original segments.
 */
import { clearList } from '../../lib/clear-list.js';
import { partOf, withBytesBefore } from '../../lib/packets/packet-bytes.js';
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

/** The maximum value of IPv4's length field. IPv6's payload length would allow 40 bytes more. */
const LONGEST_PACKET = 65_535;

/**
 * The maximum number of connections coalesced at once; at the limit, a new connection flushes the
 * oldest.
 */
const MAX_FLOWS = 8;

/** The maximum number of segments per packet: a frame has at most IOV_MAX = 1024 parts. */
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

/** Writes the parts of a frame, in order. The caller may reuse the parts after the call. */
export type WriteFrame = (parts: readonly Uint8Array[]) => void;

export class TcpCoalescer {
  readonly #write: WriteFrame;
  /** The active flows, in the order in which they began. */
  readonly #flows: Flow[] = [];
  readonly #idle: Flow[] = [];
  /** The parts of a frame that has one part. */
  readonly #single: Uint8Array[] = [];
  #packet = new TcpPacket();

  constructor(write: WriteFrame) {
    this.#write = write;
  }

  /**
   * Adds a packet: a view with 10 bytes of headroom. The coalescer owns the packet and its headroom
   * until flush(). The packets of one connection are written in order of arrival.
   */
  add(bytes: Uint8Array): void {
    const packet = this.#packet;
    if (!packet.read(bytes)) {
      this.#writeWhole(bytes);
      return;
    }
    const flow = this.#flowOf(packet);
    if (flow?.append(packet) === true) {
      if (flow.isComplete) this.#end(flow);
      return;
    }
    if (flow !== undefined) this.#end(flow);
    if (packet.isPlainData && !packet.isPushed) this.#begin(packet);
    else this.#writeWhole(bytes);
  }

  /** Writes all packets that were held back. */
  flush(): void {
    for (const flow of this.#flows) {
      this.#write(flow.finish());
      this.#idle.push(flow);
    }
    clearList(this.#flows);
  }

  #writeWhole(bytes: Uint8Array): void {
    this.#single[0] = frameOf(bytes, WHOLE_PACKET);
    this.#write(this.#single);
  }

  /** Finds the flow of a packet. find() would create a function for each packet. */
  #flowOf(packet: TcpPacket): Flow | undefined {
    for (const flow of this.#flows) {
      if (packet.isSameFlow(flow.head)) return flow;
    }
    return undefined;
  }

  #begin(packet: TcpPacket): void {
    if (this.#flows.length >= MAX_FLOWS) this.#end(this.#flows[0]!);
    const flow = this.#idle.pop() ?? new Flow();
    this.#packet = flow.begin(packet);
    this.#flows.push(flow);
  }

  #end(flow: Flow): void {
    removeFrom(this.#flows, flow);
    this.#write(flow.finish());
    this.#idle.push(flow);
  }
}

/**
 * Removes a flow, which must be in the list. splice() would create an array, and free the memory of
 * the list.
 */
function removeFrom(flows: Flow[], flow: Flow): void {
  let index = flows.indexOf(flow);
  while (++index < flows.length) flows[index - 1] = flows[index]!;
  flows.pop();
}

/** Consecutive segments of one connection. */
class Flow {
  head = new TcpPacket();
  /** Whether no more segments can be appended. */
  isComplete = false;
  /** The parts of the frame: the head, which finish() sets, and the payloads of later segments. */
  readonly #parts: Uint8Array[] = [];
  /** The length of the coalesced packet in bytes, including headers. */
  #length = 0;
  #isPushed = false;

  /**
   * Starts the flow with its first segment.
   *
   * @returns a TcpPacket into which the next segment can be read
   */
  begin(packet: TcpPacket): TcpPacket {
    const free = this.head;
    this.head = packet;
    this.isComplete = false;
    clearList(this.#parts);
    this.#parts.push(packet.bytes);
    this.#length = packet.bytes.length;
    this.#isPushed = false;
    return free;
  }

  /** Appends a segment. Returns false if the segment does not continue the flow. */
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
      this.#parts.length < MAX_SEGMENTS &&
      packet.hasSameHeaders(head) &&
      this.#hasNextIdentification(packet);
    // Verify the checksum before appending, because the kernel's checksum over the coalesced packet
    // would hide a corrupt segment.
    if (!follows || !packet.hasValidChecksum()) return false;
    if (this.#parts.length === 1 && !head.hasValidChecksum()) return false;
    this.#parts.push(partOf(packet.bytes, packet.payload, packet.bytes.length));
    this.#length += length;
    this.#isPushed = packet.isPushed;
    this.isComplete = length < size || packet.isPushed;
    return true;
  }

  /** Returns the parts of the frame. */
  finish(): readonly Uint8Array[] {
    const { bytes } = this.head;
    this.#parts[0] = this.#parts.length === 1 ? frameOf(bytes, WHOLE_PACKET) : this.#headOf(bytes);
    return this.#parts;
  }

  #headOf(bytes: Uint8Array): Uint8Array {
    const { version, transport, payload, payloadLength } = this.head;
    if (version === 4) finishIpv4Header(bytes, 0, this.#length);
    else finishIpv6Header(bytes, 0, this.#length - IPV6_HEADER_LENGTH);
    if (this.#isPushed) bytes[transport + TCP_FLAGS]! |= PSH;
    const sum = this.head.sumPseudoHeader(this.#length - transport);
    writeUint16(bytes, transport + TCP_CHECKSUM, ~finishChecksum(sum));
    return frameOf(bytes, {
      flags: VIRTIO_NET_NEEDS_CHECKSUM,
      segmentation: version === 4 ? VIRTIO_NET_GSO_TCPV4 : VIRTIO_NET_GSO_TCPV6,
      headersLength: payload,
      segmentSize: payloadLength,
      checksumStart: transport,
      checksumOffset: TCP_CHECKSUM,
    });
  }

  /** The identification of a packet with DF set has no meaning (RFC 6864 4). */
  #hasNextIdentification({ bytes, version }: TcpPacket): boolean {
    if (version === 6 || (readUint16(bytes, IPV4_FLAGS) & DONT_FRAGMENT) !== 0) return true;
    const first = readUint16(this.head.bytes, IPV4_IDENTIFICATION);
    return readUint16(bytes, IPV4_IDENTIFICATION) === ((first + this.#parts.length) & 0xffff);
  }
}

/**
 * Writes a virtio_net_hdr into the bytes before the packet, and returns the packet with the header.
 */
function frameOf(packet: Uint8Array, header: VirtioNetHeader): Uint8Array {
  const frame = withBytesBefore(packet, VIRTIO_NET_HEADER_LENGTH);
  writeVirtioNetHeader(frame, 0, header);
  return frame;
}
