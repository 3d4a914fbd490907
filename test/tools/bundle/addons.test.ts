/** The native addons in the single executable. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

describeWith(['linux', 'executable', 'readelf'], 'the addons', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'arctun-addons-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('have no symbols, and can be loaded', async () => {
    // Loaded here, because it needs the files of a build.
    const { addonsOf } = await import('../../../tools/bundle/addons.js');
    const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
    const addons = addonsOf(architecture, join(REPOSITORY, 'build/node'));
    expect(Object.keys(addons)).toEqual(['koffi.node', 'sodium-native.node']);
    for (const [name, bytes] of Object.entries(addons)) {
      const file = join(folder, name);
      writeFileSync(file, bytes);
      const sections = execFileSync('readelf', ['-SW', file], { encoding: 'utf8' });
      expect(sections).toContain('.dynsym');
      expect(sections).not.toMatch(/\.(symtab|strtab|debug)/);
      const script = `
        const module = { exports: {} };
        process.dlopen(module, process.argv[1]);
        console.log(Object.keys(module.exports).length > 10);`;
      const loaded = execFileSync(process.execPath, ['-e', script, file], { encoding: 'utf8' });
      expect(loaded).toBe('true\n');
    }
  });
});
