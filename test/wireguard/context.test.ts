import { publicKeyText } from '../../src/wireguard/context.js';
import { seededBytes } from '../support/fakes/seeded-entropy.js';

it('publicKeyText() returns the same text for the same key, and different texts for different keys', () => {
  const key = seededBytes(1, 32);
  expect(publicKeyText(key.slice())).toBe(publicKeyText(key));
  expect(publicKeyText(key)).toHaveLength(32);
  for (const index of [0, 16, 31]) {
    const other = key.slice();
    other[index]! ^= 0x80;
    expect(publicKeyText(other)).not.toBe(publicKeyText(key));
  }
});
