import { writeCounterNonce } from '../../src/crypto/nonce.js';
import { toHex } from '../support/hex.js';

it.each([
  [0, '000000000000000000000000'],
  [255, '00000000ff00000000000000'],
  [2 ** 32 - 1, '00000000ffffffff00000000'],
  [2 ** 32, '000000000000000001000000'],
  [2 ** 53 - 1, '00000000ffffffffffff1f00'],
])('writes counter %d little-endian after four zero bytes', (counter, expected) => {
  const nonce = new Uint8Array(12);
  writeCounterNonce(nonce, counter);
  expect(toHex(nonce)).toBe(expected);
});
