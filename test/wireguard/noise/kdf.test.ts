import { createNodeCrypto } from '../../../src/crypto/node.js';
import { hkdf2, hkdf3 } from '../../../src/wireguard/noise/kdf.js';
import { toHex } from '../../support/hex.js';

// Computed by CPython's hmac over hashlib.blake2s, by Noise revision 34, section 4.3.
const CHAINING_KEY = Uint8Array.from({ length: 32 }, (_, index) => index);
const INPUT = Uint8Array.from({ length: 32 }, (_, index) => index + 32);
const OUTPUTS = [
  '6a96444e20e8d4c1cee974416acae1c10b3c92886010e54ed94dafb2c3b80ea0',
  '57af120b0de7acbe7907ec149c5ae870a2dbb74232b65777ba4123f1f7f888f5',
  '0926c7caabb6e8d73beda759e6f4f0d324ce5b5000bcf8cd784b26db3049faa9',
];

it('gives the outputs of HKDF', () => {
  const crypto = createNodeCrypto();
  expect(hkdf2(crypto, CHAINING_KEY, INPUT).map(toHex)).toEqual(OUTPUTS.slice(0, 2));
  expect(hkdf3(crypto, CHAINING_KEY, INPUT).map(toHex)).toEqual(OUTPUTS);
});
