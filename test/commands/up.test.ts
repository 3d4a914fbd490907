import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createNodeCrypto } from '../../src/crypto/node.js';
import { PRIVATE_KEY, sampleWithSession } from '../arc-config/sample.js';
import { ARCTUN, Processes } from '../support/processes.js';

const processes = new Processes();
afterAll(() => processes.close());
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-up-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("says that the server's key is our own, before anything is opened or made: 3", async () => {
  const own = createNodeCrypto().publicKey(Buffer.from(PRIVATE_KEY, 'base64'));
  const arcServerPeerPublicKey = Buffer.from(own).toString('base64');
  writeFileSync(join(folder, 'arc.json'), sampleWithSession({ arcServerPeerPublicKey }));
  const command = [process.execPath, ARCTUN, 'up', '--port', '0', '--capture', 'new.pcapng'];
  const { code, stdout, stderr } = await processes.run(command, { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toMatch(
    /^Error: cannot use arc\.json: arcSessionStatus\.arcServerPeerPublicKey: /,
  );
  expect(stderr).toContain('config validate');
  expect(stderr).not.toContain(PRIVATE_KEY);
  expect(existsSync(join(folder, 'new.pcapng'))).toBe(false);
}, 60_000);
