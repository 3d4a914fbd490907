import {
  destinationOffset,
  innerPacketLength,
  paddedLength,
  sourceOffset,
} from '../../../src/wireguard/data/inner-packet.js';
import { ipv4, ipv6 } from '../../support/pairs/wireguard-pair.js';

it.each([20, 21, 100, 300])(
  'reads an IPv4 packet of %i bytes that has padding after it',
  (length) => {
    const bytes = new Uint8Array(16 + 304);
    // A slot's headroom is not always zero.
    bytes.fill(0xff, 0, 16);
    bytes.set(ipv4('10.0.0.1', '10.0.0.2', length), 16);
    expect(innerPacketLength(bytes, 16, bytes.length)).toBe(length);
    expect(innerPacketLength(bytes, 16, 16 + length)).toBe(length);
    expect(innerPacketLength(bytes, 16, 16 + length - 1)).toBe(0);
  },
);

it.each([40, 41, 100, 300])(
  'reads an IPv6 packet of %i bytes that has padding after it',
  (length) => {
    const bytes = new Uint8Array(16 + 304);
    bytes.fill(0xff, 0, 16);
    bytes.set(ipv6('fd00::1', 'fd00::2', length), 16);
    expect(innerPacketLength(bytes, 16, bytes.length)).toBe(length);
    expect(innerPacketLength(bytes, 16, 16 + length)).toBe(length);
    expect(innerPacketLength(bytes, 16, 16 + length - 1)).toBe(0);
  },
);

it('refuses a length below the header, other versions, and partial headers', () => {
  const short = ipv4('10.0.0.1', '10.0.0.2', 40);
  short.set([0, 19], 2);
  expect(innerPacketLength(short, 0, 40)).toBe(0);
  const version5 = ipv4('10.0.0.1', '10.0.0.2', 40);
  version5[0] = 0x55;
  expect(innerPacketLength(version5, 0, 40)).toBe(0);
  expect(innerPacketLength(ipv6('::1', '::2', 40), 0, 39)).toBe(0);
  expect(innerPacketLength(new Uint8Array(8), 16, 8)).toBe(0);
});

it('finds the addresses', () => {
  expect([sourceOffset(4), destinationOffset(4)]).toEqual([12, 16]);
  expect([sourceOffset(6), destinationOffset(6)]).toEqual([8, 24]);
});

it.each([
  [0, 1_420, 0],
  [1, 1_420, 16],
  [16, 1_420, 16],
  [17, 1_420, 32],
  [1_409, 1_420, 1_420],
  [1_420, 1_420, 1_420],
  // Above the MTU only the remainder is padded, as in the kernel.
  [1_425, 1_420, 1_436],
  [2_840, 1_420, 2_840],
])('pads %i bytes at an MTU of %i to %i', (length, mtu, padded) => {
  expect(paddedLength(length, mtu)).toBe(padded);
});
