import { selectCrypto } from '../../src/crypto/select.js';
import { createSodiumCrypto } from '../../src/crypto/sodium.js';

it('takes sodium-native where it loads, else node:crypto', async () => {
  const expected = (await createSodiumCrypto()) === undefined ? 'node' : 'sodium-native';
  expect((await selectCrypto()).backend).toBe(expected);
});
