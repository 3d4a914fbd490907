/** Standard input is not read as an argument, unless a command says so. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { sampleWithSession } from '../arc-config/sample.js';
import { ARCTUN, Processes } from '../support/processes.js';

const KEYS = ['--auth-key-id', 'keyId-1', '--auth-key', 'secret-1', '--endpoint', 'http://[::1]:1'];

it.each([
  // Two messages would exit with 2.
  [['send', '--file', 'absent.bin'], 'absent.bin'],
  [['sim', 'terminate', '--yes', '--config', 'absent.json', ...KEYS], 'absent.json'],
])(
  '%j',
  async (parameters, word) => {
    const processes = new Processes();
    const folder = mkdtempSync(join(tmpdir(), 'arctun-input-'));
    writeFileSync(join(folder, 'arc.json'), sampleWithSession({}));
    const run = { cwd: folder, input: '8942310022000012345\n', env: { XDG_RUNTIME_DIR: folder } };
    const finished = await processes.run([process.execPath, ARCTUN, ...parameters], run);
    expect(finished).toMatchObject({ code: 3 });
    expect(finished.stderr).toContain(word);
    expect(finished.stderr).not.toContain('8942310022000012345');
    await processes.close();
    rmSync(folder, { recursive: true });
  },
  30_000,
);
