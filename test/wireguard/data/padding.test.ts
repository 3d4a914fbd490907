import { paddedLength } from '../../../src/wireguard/data/padding.js';

it.each([
  [0, 1_420, 0],
  [1, 1_420, 16],
  [16, 1_420, 16],
  [17, 1_420, 32],
  [1_409, 1_420, 1_420],
  [1_420, 1_420, 1_420],
  // Beyond the MTU only the rest is padded, as the kernel does.
  [1_425, 1_420, 1_436],
  [2_840, 1_420, 2_840],
])('%i bytes at an MTU of %i become %i', (length, mtu, padded) => {
  expect(paddedLength(length, mtu)).toBe(padded);
});
