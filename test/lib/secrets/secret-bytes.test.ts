import { copySecret, secretBytes } from '../../../src/lib/secrets/secret-bytes.js';

it('are initially zero, and span their whole buffer', () => {
  expect(secretBytes(32)).toEqual(new Uint8Array(32));
  expect(secretBytes(32).buffer.byteLength).toBe(32);
});

it('are copied once', () => {
  const slab = Uint8Array.from({ length: 64 }, (_, index) => index);
  const copy = copySecret(slab.subarray(16, 48));
  expect(copy).toEqual(slab.slice(16, 48));
  expect(copy.buffer.byteLength).toBe(32);
  slab.fill(0);
  expect(copy[0]).toBe(16);
});
