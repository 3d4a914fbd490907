import { selectCrypto } from '../../src/crypto/select.js';
import { createSodiumCrypto } from '../../src/crypto/sodium.js';

it('selects sodium-native if it loads, otherwise node:crypto', async () => {
  const expected = (await createSodiumCrypto()) === undefined ? 'node' : 'sodium-native';
  expect((await selectCrypto()).backend).toBe(expected);
});
