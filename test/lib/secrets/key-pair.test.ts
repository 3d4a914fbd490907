import { createPrivateKey } from '../../../src/lib/secrets/key-pair.js';

it('clamps as in RFC 7748 section 5', () => {
  const ones = createPrivateKey({ fill: (bytes) => bytes.fill(0xff) });
  expect([ones[0], ones[1], ones[30], ones[31]]).toEqual([0xf8, 0xff, 0xff, 0x7f]);
  const zeros = createPrivateKey({ fill: (bytes) => bytes.fill(0) });
  expect([zeros.length, zeros[0], zeros[31]]).toEqual([32, 0, 0x40]);
});

it('uses only bytes from the entropy source', () => {
  const key = createPrivateKey({ fill: (bytes) => bytes.forEach((_, at) => (bytes[at] = 8 * at)) });
  expect([...key.subarray(0, 31)]).toEqual(Array.from({ length: 31 }, (_, at) => 8 * at));
});
