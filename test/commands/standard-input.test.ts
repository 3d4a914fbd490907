/** Standard input is not read as an argument, unless a command says so. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sampleWithSession } from '../arc-config/sample.js';
import { ARCTUN, Processes } from '../support/processes.js';

const processes = new Processes();
const folder = mkdtempSync(join(tmpdir(), 'arctun-input-'));
writeFileSync(join(folder, 'arc.json'), sampleWithSession({}));
afterAll(async () => {
  await processes.close();
  rmSync(folder, { recursive: true });
});

const KEYS = [
  '--config',
  'absent.json',
  '--auth-key-id',
  'keyId-1',
  '--auth-key',
  'secret-1',
  '--endpoint',
  'http://[::1]:1',
];

it.each([
  // Two messages would exit with 2.
  [['send', '--file', 'absent.bin'], 3, 'absent.bin'],
  [['sim', 'show', ...KEYS], 3, 'absent.json'],
  [['sim', 'terminate', '--yes', ...KEYS], 3, 'absent.json'],
  [['sim', 'renew-key', ...KEYS], 3, 'absent.json'],
])('%j', async (parameters, code, word) => {
  const run = { cwd: folder, input: '8942310022000012345\n', env: { XDG_RUNTIME_DIR: folder } };
  const finished = await processes.run([process.execPath, ARCTUN, ...parameters], run);
  expect(finished).toMatchObject({ code });
  expect(finished.stderr).toContain(word);
  expect(finished.stderr).not.toContain('8942310022000012345');
});

it('["status"]', async () => {
  const finished = await processes.run([process.execPath, ARCTUN, 'status'], { input: 'x\n' });
  // The exit code depends on the tunnels of this machine: 0, 1 or 5.
  expect(finished.code).not.toBe(2);
  expect(finished.stderr).not.toContain('SECONDS');
});
