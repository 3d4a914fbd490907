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

it('exits with 3 if the server’s key is the client’s own, before anything is opened or created', async () => {
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

describe('wrong usage exits with 2', () => {
  const up = (parameters: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    processes.run([process.execPath, ARCTUN, 'up', ...parameters], { cwd: folder, env });

  it.each([
    [['--mtu', '575'], {}, 'cannot use --mtu=575: the MTU must be at least 576 for IPv4'],
    [[], { ARCTUN_MTU: '575' }, 'cannot use ARCTUN_MTU=575: the MTU must be at least 576 for IPv4'],
    [
      ['--additional-allowed-ips', 'x', '--additional-allowed-ips', '10.0.0.0/8'],
      {},
      '"x" is not a CIDR',
    ],
    [['--persistent-keepalive', '65536'], {}, '--persistent-keepalive'],
    [[], { ARCTUN_PERSISTENT_KEEPALIVE: '70000' }, 'invalid ARCTUN_PERSISTENT_KEEPALIVE: '],
    [[], { ARCTUN_ADDITIONAL_ALLOWED_IPS: '10.0.0.0/8,x' }, '"x" is not a CIDR'],
    [['--read-stdin', '--config', 'arc.json'], {}, 'cannot use --read-stdin with --config'],
  ])(
    '%j with %j',
    async (parameters, env, message) => {
      writeFileSync(join(folder, 'arc.json'), sampleWithSession({}));
      const { code, stdout, stderr } = await up(parameters, env);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(message);
    },
    60_000,
  );
});

it('reads standard input instead of the environment’s file, with the same checks: exit code 3', async () => {
  const input = sampleWithSession({ arcServerPeerPublicKey: null });
  const { code, stderr } = await processes.run([process.execPath, ARCTUN, 'up', '--read-stdin'], {
    cwd: folder,
    env: { ARCTUN_CONFIG: 'absent.json' },
    input,
  });
  expect(code).toBe(3);
  expect(stderr).toMatch(/^Error: cannot use standard input: arcSessionStatus\.arcServerPeer/);
}, 60_000);
