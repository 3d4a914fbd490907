import { createNodeCrypto } from '../../src/crypto/node.js';
import { createOpenSslCrypto } from '../../src/crypto/openssl.js';
import { selectCrypto } from '../../src/crypto/select.js';
import { createSodiumCrypto } from '../../src/crypto/sodium.js';
import { loadLibc } from '../../src/system/linux/libc.js';

it('selects sodium-native if it loads, otherwise node:crypto; OpenSSL for packets if koffi loads', async () => {
  const base = (await createSodiumCrypto()) ?? createNodeCrypto();
  const libc = await loadLibc();
  const hasOpenSsl = createOpenSslCrypto(base, libc) !== undefined;
  const { backend, packetBackend } = await selectCrypto(libc);
  expect(backend).toBe(base.backend);
  expect(packetBackend).toBe(hasOpenSsl ? 'openssl' : base.packetBackend);
});
