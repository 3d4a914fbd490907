import {
  mac1Offset,
  messageType,
  readCounter,
  readUint32,
  writeDataHeader,
  writeUint32,
} from '../../src/wireguard/messages.js';
import { toHex } from '../support/hex.js';

function message(type: number, length: number, reserved = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set([type, 0, 0, reserved]);
  return bytes;
}

it.each([
  [1, 148],
  [2, 92],
  [3, 64],
  [4, 32],
  [4, 33],
  [4, 1_452],
])('type %i has %i bytes', (type, length) => {
  expect(messageType(message(type, length))).toBe(type);
});

it.each([
  [1, 147],
  [1, 149],
  [2, 91],
  [2, 93],
  [3, 63],
  [3, 65],
  [4, 31],
  [0, 148],
  [5, 148],
  [4, 4],
])('type %i of %i bytes is not a message', (type, length) => {
  expect(messageType(message(type, length))).toBe(0);
});

it('a message with reserved bits is invalid', () => {
  expect(messageType(message(4, 32, 1))).toBe(0);
});

it('mac1 begins 32 bytes before the end', () => {
  expect([mac1Offset(new Uint8Array(148)), mac1Offset(new Uint8Array(92))]).toEqual([116, 60]);
});

it('integers are little-endian', () => {
  const bytes = new Uint8Array(6);
  writeUint32(bytes, 1, 0xfedcba98);
  expect(toHex(bytes)).toBe('0098badcfe00');
  expect(readUint32(bytes, 1)).toBe(0xfedcba98);
});

it.each([
  [1, '0400000004030201' + '0100000000000000'],
  [2 ** 32 + 5, '0400000004030201' + '0500000001000000'],
  [2 ** 53 - 1, '0400000004030201' + 'ffffffffffff1f00'],
])('writes the header of data message %d', (counter, expected) => {
  const bytes = new Uint8Array(16);
  writeDataHeader(bytes, 0x01020304, counter);
  expect(toHex(bytes)).toBe(expected);
  expect(readCounter(bytes)).toBe(counter);
});
