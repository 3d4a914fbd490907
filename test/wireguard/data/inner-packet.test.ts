import { innerPacketLength, paddedLength } from '../../../src/wireguard/data/inner-packet.js';
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
