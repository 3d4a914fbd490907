/**
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), in little-endian order, with times in
 * microseconds since 1970. Each function creates one whole block. A file consists of a section
 * header, interface descriptions, and then the other blocks in any order.
 */

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const INTERFACE_STATISTICS = 5;
const ENHANCED_PACKET = 6;
const DECRYPTION_SECRETS = 10;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** The link type of packets that begin with an IPv4 or IPv6 header. */
const LINKTYPE_RAW = 101;
/** The type of a WireGuard key log: lines of `NAME = base64`. */
const WIREGUARD_KEY_LOG = 0x57474b4c;

/** Option codes, for every block or for one type of block (sections 3.5, 4). */
const COMMENT = 1;
const APPLICATION = 4;
const INTERFACE_NAME = 2;
const INTERFACE_INFORMATION = 3;
const PACKET_FLAGS = 2;
const RECEIVED_BY_INTERFACE = 4;
const DROPPED_BY_INTERFACE = 5;

/** Bits 0 and 1 of a packet's flags (4.3.1). */
const DIRECTION = { in: 1, out: 2 } as const;

type Option = readonly [code: number, value: Uint8Array];

/**
 * The number of bytes around a block's body: type and length before it, and the length again after
 * it.
 */
const AROUND_BODY = 12;
/** The number of bytes before the packet itself: interface, time, two lengths. */
const ENHANCED_PACKET_HEADER = 20;

export function sectionHeader(text: { application: string; comment: string }): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, 1, true);
  // A length of all ones means that the section's length is not known in advance.
  body.fill(0xff, 8);
  return block(SECTION_HEADER, body, [
    textOption(COMMENT, text.comment),
    textOption(APPLICATION, text.application),
  ]);
}

/** Describes an interface; interfaces are numbered from 0 in the order of their descriptions. */
export function interfaceDescription(text: { name: string; description: string }): Uint8Array {
  const body = new Uint8Array(8);
  new DataView(body.buffer).setUint16(0, LINKTYPE_RAW, true);
  // A snap length of zero means that packets are complete.
  return block(INTERFACE_DESCRIPTION, body, [
    textOption(INTERFACE_NAME, text.name),
    textOption(INTERFACE_INFORMATION, text.description),
  ]);
}

/** @param packet the bytes to copy */
export function enhancedPacket(
  interfaceId: number,
  microseconds: number,
  direction: 'in' | 'out',
  packet: Uint8Array,
): Uint8Array {
  const body = new Uint8Array(ENHANCED_PACKET_HEADER + padded(packet.length));
  const view = new DataView(body.buffer);
  view.setUint32(0, interfaceId, true);
  setTime(view, 4, microseconds);
  view.setUint32(12, packet.length, true);
  view.setUint32(16, packet.length, true);
  body.set(packet, ENHANCED_PACKET_HEADER);
  const flags = new Uint8Array(4);
  flags[0] = DIRECTION[direction];
  return block(ENHANCED_PACKET, body, [[PACKET_FLAGS, flags]]);
}

/** Creates a block with keys. The block must precede the packets that the keys decrypt. */
export function wireguardKeyLog(lines: string): Uint8Array {
  const text = new TextEncoder().encode(lines);
  const body = new Uint8Array(8 + padded(text.length));
  const view = new DataView(body.buffer);
  view.setUint32(0, WIREGUARD_KEY_LOG, true);
  view.setUint32(4, text.length, true);
  body.set(text, 8);
  return block(DECRYPTION_SECRETS, body, []);
}

/** Reports the number of packets on an interface, and how many are missing from the file. */
export function interfaceStatistics(
  interfaceId: number,
  microseconds: number,
  counts: { received: number; dropped: number },
): Uint8Array {
  const body = new Uint8Array(12);
  const view = new DataView(body.buffer);
  view.setUint32(0, interfaceId, true);
  setTime(view, 4, microseconds);
  return block(INTERFACE_STATISTICS, body, [
    [RECEIVED_BY_INTERFACE, uint64(counts.received)],
    [DROPPED_BY_INTERFACE, uint64(counts.dropped)],
  ]);
}

/** @param body a block body whose length is a multiple of four */
function block(type: number, body: Uint8Array, options: readonly Option[]): Uint8Array {
  let optionsLength = options.length > 0 ? 4 : 0;
  for (const [, value] of options) optionsLength += 4 + padded(value.length);
  const bytes = new Uint8Array(AROUND_BODY + body.length + optionsLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, bytes.length, true);
  bytes.set(body, 8);
  let offset = 8 + body.length;
  for (const [code, value] of options) {
    view.setUint16(offset, code, true);
    view.setUint16(offset + 2, value.length, true);
    bytes.set(value, offset + 4);
    offset += 4 + padded(value.length);
  }
  // Four zero bytes mark the end of the options.
  view.setUint32(bytes.length - 4, bytes.length, true);
  return bytes;
}

function textOption(code: number, text: string): Option {
  return [code, new TextEncoder().encode(text)];
}

/** Writes a time as two 32-bit words, the high one first, each in the file's byte order (4.3). */
function setTime(view: DataView, offset: number, microseconds: number): void {
  view.setUint32(offset, Math.floor(microseconds / 0x1_0000_0000), true);
  view.setUint32(offset + 4, microseconds % 0x1_0000_0000, true);
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, value % 0x1_0000_0000, true);
  view.setUint32(4, Math.floor(value / 0x1_0000_0000), true);
  return bytes;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
