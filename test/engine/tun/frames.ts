/** Hand-written packets and frames, as a kernel exchanges them with a tun device. */
import {
  checksum,
  long,
  OUR_V4,
  OUR_V6,
  PEER_V4,
  PEER_V6,
  v4,
  v6,
  word,
} from '../../netstack/packets.js';

export const TCP = 6;
export const UDP = 17;

export const FIN = 0x01;
export const PSH = 0x08;
export const ACK = 0x10;
export const CWR = 0x80;

export interface TcpFields {
  readonly version?: 4 | 6;
  readonly seq?: number;
  readonly ack?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly port?: number;
  readonly options?: readonly number[];
  readonly id?: number;
  /** Added to the valid checksum. */
  readonly checksumError?: number;
  readonly timeToLive?: number;
  readonly typeOfService?: number;
  readonly dontFragment?: boolean;
}

/** Bytes that depend on their position. */
export function pattern(length: number, from = 0): number[] {
  return Array.from({ length }, (_, index) => ((from + index) * 7 + ((from + index) >> 8)) & 0xff);
}

/** A complete TCP packet from the peer. */
export function tcpPacket(payload: readonly number[], fields: TcpFields = {}): Uint8Array {
  const { version = 4, checksumError = 0 } = fields;
  const segment = tcpSegment(payload, fields);
  const pseudo = pseudoHeader(version, TCP, segment.length);
  const [high, low] = checksum([...pseudo, ...segment]);
  const field = (high * 256 + low + checksumError) & 0xffff;
  [segment[16], segment[17]] = word(field);
  const packet = version === 4 ? v4(TCP, segment, { id: fields.id ?? 0 }) : v6(TCP, segment);
  return withIpFields(packet, fields);
}

function tcpSegment(payload: readonly number[], fields: TcpFields): number[] {
  const { seq = 1000, ack = 5000, flags = ACK, window = 512, port = 80, options = [] } = fields;
  const dataOffset = ((20 + options.length) / 4) << 4;
  const head = [...word(port), ...word(40_000), ...long(seq), ...long(ack)];
  return [...head, dataOffset, flags, ...word(window), 0, 0, 0, 0, ...options, ...payload];
}

function withIpFields(packet: Uint8Array, fields: TcpFields): Uint8Array {
  const { version = 4, timeToLive = 64, typeOfService = 0, dontFragment = true } = fields;
  if (version === 6) {
    packet[0] = 0x60 | (typeOfService >> 4);
    packet[1] = (typeOfService << 4) & 0xf0;
    packet[7] = timeToLive;
    return packet;
  }
  packet[1] = typeOfService;
  packet[6] = dontFragment ? 0x40 : 0;
  packet[8] = timeToLive;
  packet.set([0, 0], 10);
  packet.set(checksum([...packet.subarray(0, 20)]), 10);
  return packet;
}

export function pseudoHeader(version: 4 | 6, protocol: number, length: number): number[] {
  const addresses = version === 4 ? [...PEER_V4, ...OUR_V4] : [...PEER_V6, ...OUR_V6];
  return [...addresses, ...long(length), 0, 0, 0, protocol];
}

/** The folded sum of a pseudo header, which a kernel leaves in a partial checksum field. */
export function pseudoSum(version: 4 | 6, protocol: number, length: number): [number, number] {
  const [high, low] = checksum(pseudoHeader(version, protocol, length));
  return [0xff - high, 0xff - low];
}

export interface NetHeader {
  readonly flags?: number;
  readonly gsoType?: number;
  readonly headerLength?: number;
  readonly gsoSize?: number;
  readonly checksumStart?: number;
  readonly checksumOffset?: number;
}

/** struct virtio_net_hdr, little-endian, and the packet. */
export function frameOf(packet: Uint8Array, header: NetHeader = {}): Uint8Array {
  const little = (value = 0) => [value & 0xff, value >> 8];
  const { flags = 0, gsoType = 0 } = header;
  return Uint8Array.of(
    flags,
    gsoType,
    ...little(header.headerLength),
    ...little(header.gsoSize),
    ...little(header.checksumStart),
    ...little(header.checksumOffset),
    ...packet,
  );
}
