import { parseKey } from '../../../src/wireguard/uapi/key-text.js';

it('reads 64 hexadecimal digits of either case', () => {
  const key = Uint8Array.from({ length: 32 }, (_, index) => index + 0xa0);
  const text = Buffer.from(key).toString('hex');
  expect(parseKey(text)).toEqual(key);
  expect(parseKey(text.toUpperCase())).toEqual(key);
});

it.each(['', 'a'.repeat(63), 'a'.repeat(65), 'g'.repeat(64), `${'a'.repeat(64)}\n`])(
  'refuses %j',
  (text) => {
    expect(parseKey(text)).toBeUndefined();
  },
);
