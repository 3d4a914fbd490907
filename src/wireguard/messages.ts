/**
 * Layouts of the four WireGuard messages (whitepaper 5.4.2, 5.4.3, 5.4.6, 5.4.7). All integers are
 * little-endian. The functions read and write message bytes in place.
 */
import { MAC_LENGTH } from './constants.js';

/**
 * The type byte and the three reserved zero bytes after it are read as one u32, as in the Linux
 * kernel, so that a message with nonzero reserved bytes is invalid.
 */
export const MESSAGE_INITIATION = 1;
export const MESSAGE_RESPONSE = 2;
export const MESSAGE_COOKIE_REPLY = 3;
export const MESSAGE_DATA = 4;

/** Field offsets and total length of a handshake initiation (§5.4.2). */
export const INITIATION = {
  senderIndex: 4,
  ephemeral: 8,
  static: 40,
  timestamp: 88,
  mac1: 116,
  length: 148,
} as const;

/** Field offsets and total length of a handshake response (§5.4.3). */
export const RESPONSE = {
  senderIndex: 4,
  receiverIndex: 8,
  ephemeral: 12,
  empty: 44,
  mac1: 60,
  length: 92,
} as const;

/** Field offsets and total length of a cookie reply (§5.4.7). */
export const COOKIE_REPLY = {
  receiverIndex: 4,
  nonce: 8,
  cookie: 32,
  length: 64,
} as const;

/**
 * Field offsets of a data message (§5.4.6). `minimumLength` is the length of a keepalive: header
 * and tag.
 */
export const DATA = {
  receiverIndex: 4,
  counter: 8,
  packet: 16,
  minimumLength: 32,
} as const;

/** Returns the offset of mac1 in a handshake message, which ends with mac1 and mac2 (§5.4.4). */
export function mac1Offset(message: Uint8Array): number {
  return message.length - 2 * MAC_LENGTH;
}

/** Returns the message type of a datagram, or 0 if its type or length is invalid. */
export function messageType(bytes: Uint8Array): number {
  if (bytes.length < DATA.minimumLength) return 0;
  const type = readUint32(bytes, 0);
  switch (type) {
    case MESSAGE_DATA:
      return type;
    case MESSAGE_INITIATION:
      return bytes.length === INITIATION.length ? type : 0;
    case MESSAGE_RESPONSE:
      return bytes.length === RESPONSE.length ? type : 0;
    case MESSAGE_COOKIE_REPLY:
      return bytes.length === COOKIE_REPLY.length ? type : 0;
    default:
      return 0;
  }
}

export function readUint32(bytes: Uint8Array, offset: number): number {
  return readIndex(bytes, offset) >>> 0;
}

/**
 * Reads a session index as a number with a sign, for IndexTable. V8 would need an object for a number
 * from 2^31 on.
 */
export function readIndex(bytes: Uint8Array, offset: number): number {
  return (
    bytes[offset]! |
    (bytes[offset + 1]! << 8) |
    (bytes[offset + 2]! << 16) |
    (bytes[offset + 3]! << 24)
  );
}

export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value;
  bytes[offset + 1] = value >>> 8;
  bytes[offset + 2] = value >>> 16;
  bytes[offset + 3] = value >>> 24;
}

/** Reads a data message's u64 counter. Values from 2^53 on are inexact, but rejected anyway. */
export function readCounter(bytes: Uint8Array): number {
  return readUint32(bytes, DATA.counter) + readUint32(bytes, DATA.counter + 4) * 0x1_0000_0000;
}

/** Writes the 16-byte header of a data message. */
export function writeDataHeader(bytes: Uint8Array, receiverIndex: number, counter: number): void {
  writeUint32(bytes, 0, MESSAGE_DATA);
  writeUint32(bytes, DATA.receiverIndex, receiverIndex);
  const low = counter >>> 0;
  writeUint32(bytes, DATA.counter, low);
  writeUint32(bytes, DATA.counter + 4, (counter - low) / 0x1_0000_0000);
}
