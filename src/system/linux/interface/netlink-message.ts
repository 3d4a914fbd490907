/** Netlink messages and their attributes (netlink(7), rtnetlink(3)), in machine byte order. */
import { LITTLE_ENDIAN } from '../machine-word.js';

/** Offsets of the fields of struct nlmsghdr. */
const LENGTH = 0;
const TYPE = 4;
const FLAGS = 6;
const SEQUENCE = 8;
const HEADER_LENGTH = 16;

/** struct rtattr: the length, which includes this header, then the type. */
const ATTRIBUTE_HEADER = 4;
/** Masks out the type bits that describe the layout of the attribute's data. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
/** Set if the error message in the reply does not quote the request. */
export const NLM_F_CAPPED = 0x100;
/** Set if the error message in the reply has attributes. */
export const NLM_F_ACK_TLVS = 0x200;
/** Set if the listed objects changed during the dump. */
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** A request: a body that includes its attributes. The socket adds the header. */
export type NetlinkRequest = Omit<NetlinkMessage, 'sequence'>;

/** Encodes a body of single bytes, then 32-bit numbers, then attributes. */
export function encodeBody(
  bytes: readonly number[],
  words: readonly number[],
  attributes: readonly Uint8Array[],
): Uint8Array {
  const fixed = Buffer.alloc(bytes.length + words.length * 4);
  fixed.set(bytes);
  const view = new DataView(fixed.buffer, fixed.byteOffset);
  words.forEach((word, index) => {
    view.setUint32(bytes.length + index * 4, word, LITTLE_ENDIAN);
  });
  return Buffer.concat([fixed, ...attributes]);
}

export function encodeAttribute(type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(aligned(ATTRIBUTE_HEADER + data.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ATTRIBUTE_HEADER + data.length, LITTLE_ENDIAN);
  view.setUint16(2, type, LITTLE_ENDIAN);
  bytes.set(data, ATTRIBUTE_HEADER);
  return bytes;
}

export function numberAttribute(type: number, value: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, value, LITTLE_ENDIAN);
  return encodeAttribute(type, data);
}

/** Encodes a text with the terminating zero that the kernel expects. */
export function textAttribute(type: number, text: string): Uint8Array {
  return encodeAttribute(type, Buffer.from(`${text}\0`));
}

export function encodeRequest(request: NetlinkRequest, sequence: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH + request.body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(LENGTH, bytes.length, LITTLE_ENDIAN);
  view.setUint16(TYPE, request.type, LITTLE_ENDIAN);
  view.setUint16(FLAGS, request.flags, LITTLE_ENDIAN);
  view.setUint32(SEQUENCE, sequence, LITTLE_ENDIAN);
  bytes.set(request.body, HEADER_LENGTH);
  return bytes;
}

export function decodeMessages(bytes: Uint8Array): NetlinkMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset + HEADER_LENGTH <= bytes.length) {
    const length = view.getUint32(offset + LENGTH, LITTLE_ENDIAN);
    if (length < HEADER_LENGTH || offset + length > bytes.length) break;
    messages.push({
      type: view.getUint16(offset + TYPE, LITTLE_ENDIAN),
      flags: view.getUint16(offset + FLAGS, LITTLE_ENDIAN),
      sequence: view.getUint32(offset + SEQUENCE, LITTLE_ENDIAN),
      body: bytes.slice(offset + HEADER_LENGTH, offset + length),
    });
    offset += aligned(length);
  }
  return messages;
}

/** Returns the attributes that start at `offset` in a body, by type. */
export function decodeAttributes(body: Uint8Array, offset: number): Map<number, Uint8Array> {
  return new Map(listAttributes(body, offset));
}

/** Returns the attributes with their types, in their original order; a type may occur repeatedly. */
export function listAttributes(body: Uint8Array, offset = 0): [number, Uint8Array][] {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const attributes: [number, Uint8Array][] = [];
  for (let at = offset; at + ATTRIBUTE_HEADER <= body.length;) {
    const length = view.getUint16(at, LITTLE_ENDIAN);
    if (length < ATTRIBUTE_HEADER || at + length > body.length) break;
    const type = view.getUint16(at + 2, LITTLE_ENDIAN) & ATTRIBUTE_TYPE_MASK;
    attributes.push([type, body.subarray(at + ATTRIBUTE_HEADER, at + length)]);
    at += aligned(length);
  }
  return attributes;
}

export function readNumber(data: Uint8Array | undefined): number | undefined {
  if (data === undefined || data.length < 4) return undefined;
  return new DataView(data.buffer, data.byteOffset).getUint32(0, LITTLE_ENDIAN);
}

export function readText(data: Uint8Array | undefined): string | undefined {
  return data && Buffer.from(data).toString('utf8').replace(/\0.*$/s, '');
}

function aligned(length: number): number {
  return Math.ceil(length / 4) * 4;
}
