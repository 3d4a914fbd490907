import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createNodeCrypto } from '../../src/crypto/node.js';
import { PRIVATE_KEY, sampleWithSession } from '../arc-config/sample.js';
import { runInProcess } from '../support/command-in-process.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-up-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('exits with 3 if the server’s key is the client’s own, before anything is opened or created', async () => {
  const own = createNodeCrypto().publicKey(Buffer.from(PRIVATE_KEY, 'base64'));
  const arcServerPeerPublicKey = Buffer.from(own).toString('base64');
  writeFileSync(join(folder, 'arc.json'), sampleWithSession({ arcServerPeerPublicKey }));
  const words = ['up', '--port', '0', '--capture', 'new.pcapng'];
  const { code, stdout, stderr } = await runInProcess(words, { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toMatch(
    /^Error: cannot use arc\.json: arcSessionStatus\.arcServerPeerPublicKey: /,
  );
  expect(stderr).toContain('config validate');
  expect(stderr).not.toContain(PRIVATE_KEY);
  expect(existsSync(join(folder, 'new.pcapng'))).toBe(false);
});

it.each([
  [['--mtu', '575'], 'cannot use --mtu=575: the MTU must be at least 576 for IPv4'],
  [
    ['--additional-allowed-ips', 'x', '--additional-allowed-ips', '10.0.0.0/8'],
    '"x" is not a CIDR',
  ],
  [['--persistent-keepalive', '65536'], '--persistent-keepalive'],
  [['--read-stdin', '--config', 'arc.json'], 'cannot use --read-stdin with --config'],
])('%j exits with 2', async (parameters, message) => {
  writeFileSync(join(folder, 'arc.json'), sampleWithSession({}));
  const { code, stdout, stderr } = await runInProcess(['up', ...parameters], { cwd: folder });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
});

it('reads standard input instead of the environment’s file, with the same checks: exit code 3', async () => {
  const input = sampleWithSession({ arcServerPeerPublicKey: null });
  const env = { ARCTUN_CONFIG: 'absent.json' };
  const { code, stderr } = await runInProcess(['up', '--read-stdin'], { cwd: folder, env, input });
  expect(code).toBe(3);
  expect(stderr).toMatch(/^Error: cannot use standard input: arcSessionStatus\.arcServerPeer/);
});
