import { createPrivateKey, randomBytes, randomHex, randomUuid } from '../../src/emulator/random.js';
import { seededEntropy } from './fakes.js';

describe('createPrivateKey', () => {
  it('clamps as RFC 7748 section 5 says', () => {
    const ones = createPrivateKey({ fill: (bytes) => bytes.fill(0xff) });
    expect([ones[0], ones[1], ones[30], ones[31]]).toEqual([0xf8, 0xff, 0xff, 0x7f]);
    const zeros = createPrivateKey({ fill: (bytes) => bytes.fill(0) });
    expect([zeros.length, zeros[0], zeros[31]]).toEqual([32, 0, 0x40]);
  });
});

it('makes texts of as many bytes as are asked for', () => {
  const entropy = seededEntropy();
  expect(randomBytes(entropy, 5)).toHaveLength(5);
  expect(randomHex(entropy, 5)).toMatch(/^[0-9a-f]{10}$/);
  expect(randomUuid(entropy)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});
