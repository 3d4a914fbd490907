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
  GSO_TCP4,
  GSO_TCP6,
  NEEDS_CHECKSUM,
  VIRTIO_NET_HEADER_LENGTH,
  writeVirtioNetHeader,
} from '../../wire/virtio-net.js';
import { packetFrame } from './packet-frame.js';
import { TcpPacket } from './tcp-packet.js';

/** What the length field of IPv4 can say; IPv6's could say 40 more. */
const LONGEST_PACKET = 65_535;

/** Connections that are put together at once; where one more comes, the oldest goes on as it is. */
const MAX_FLOWS = 8;

const TCP_FLAGS = 13;
const TCP_CHECKSUM = 16;
const IPV4_IDENTIFICATION = 4;
const IPV4_FLAGS = 6;
const DONT_FRAGMENT = 0x4000;

export class TcpCoalescer {
  readonly #write: (frame: Uint8Array) => void;
  /** In the order in which they began. */
  readonly #flows: Flow[] = [];
  readonly #idle: Flow[] = [];
  #packet = new TcpPacket();

  /** @param write takes a frame for a tun device, and is done with it when it returns */
  constructor(write: (frame: Uint8Array) => void) {
    this.#write = write;
  }

  /**
   * Takes a packet: a view with 10 bytes of ours in front, that stays as it is until flush(). What
   * belongs to one connection is written in the order in which it came.
   */
  add(bytes: Uint8Array): void {
    const packet = this.#packet;
    if (!packet.read(bytes)) {
      this.#write(packetFrame(bytes));
      return;
    }
    const flow = this.#flows.find((known) => packet.isSameFlow(known.head));
    if (flow?.append(packet) === true) {
      if (flow.isComplete) this.#end(flow);
      return;
    }
    if (flow !== undefined) this.#end(flow);
    if (packet.isPlainData && !packet.isPushed) this.#begin(packet);
    else this.#write(packetFrame(bytes));
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
  /** The frame, from the second segment on. */
  #frame: Uint8Array | undefined;
  readonly #bytes = new Uint8Array(VIRTIO_NET_HEADER_LENGTH + LONGEST_PACKET);
  /** Of the packet, headers included. */
  #length = 0;
  #segments = 0;
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
    this.#frame = undefined;
    this.#length = packet.bytes.length;
    this.#segments = 1;
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
      packet.hasSameHeaders(head) &&
      this.#hasNextIdentification(packet);
    // The checksum of the whole is the kernel's to make: what is wrong must not become right.
    if (!follows || !packet.hasValidChecksum()) return false;
    if (this.#segments === 1 && !head.hasValidChecksum()) return false;
    this.#copy(packet);
    this.#isPushed = packet.isPushed;
    this.isComplete = length < size || packet.isPushed;
    return true;
  }

  /** The frame to write; valid until begin(). */
  finish(): Uint8Array {
    const { head } = this;
    const frame = this.#frame;
    if (frame === undefined) return packetFrame(head.bytes);
    const { version, transport, payload } = head;
    writeVirtioNetHeader(frame, {
      flags: NEEDS_CHECKSUM,
      gsoType: version === 4 ? GSO_TCP4 : GSO_TCP6,
      headerLength: payload,
      gsoSize: head.payloadLength,
      checksumStart: transport,
      checksumOffset: TCP_CHECKSUM,
    });
    const ip = VIRTIO_NET_HEADER_LENGTH;
    if (version === 4) finishIpv4Header(frame, ip, this.#length);
    else finishIpv6Header(frame, ip, this.#length - IPV6_HEADER_LENGTH);
    const tcp = ip + transport;
    if (this.#isPushed) frame[tcp + TCP_FLAGS]! |= PSH;
    const sum = head.sumPseudoHeader(this.#length - transport);
    writeUint16(frame, tcp + TCP_CHECKSUM, ~finishChecksum(sum));
    return frame.subarray(0, ip + this.#length);
  }

  #copy(packet: TcpPacket): void {
    if (this.#frame === undefined) {
      this.#frame = this.#bytes;
      this.#bytes.set(this.head.bytes, VIRTIO_NET_HEADER_LENGTH);
    }
    const payload = packet.bytes.subarray(packet.payload);
    this.#bytes.set(payload, VIRTIO_NET_HEADER_LENGTH + this.#length);
    this.#length += payload.length;
    this.#segments++;
  }

  /** RFC 6864 4: the identification of what may not be fragmented means nothing. */
  #hasNextIdentification({ bytes, version }: TcpPacket): boolean {
    if (version === 6 || (readUint16(bytes, IPV4_FLAGS) & DONT_FRAGMENT) !== 0) return true;
    const first = readUint16(this.head.bytes, IPV4_IDENTIFICATION);
    return readUint16(bytes, IPV4_IDENTIFICATION) === ((first + this.#segments) & 0xffff);
  }
}
