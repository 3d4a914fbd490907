/** The ESLint plugin that checks words. */
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ESLint } from 'eslint';

const FOLDER = join(import.meta.dirname, '../../../tools/lint');

/** The part of ESLint's cache key that depends on the plugins, with the plugin in this folder. */
async function pluginsOf(folder: string): Promise<unknown> {
  const { words } = (await import(`${folder}/words-plugin.js`)) as { words: ESLint.Plugin };
  const config = [{ files: ['**/*.js'], plugins: { words } }];
  const eslint = new ESLint({ overrideConfigFile: true, baseConfig: config });
  const calculated = (await eslint.calculateConfigForFile('a.js')) as {
    toJSON(): { plugins: unknown };
  };
  return calculated.toJSON().plugins;
}

it("changes ESLint's cache key if the list of idioms changes", async () => {
  const copy = mkdtempSync(join(tmpdir(), 'arctun-words-'));
  try {
    for (const name of ['same', 'changed']) cpSync(FOLDER, join(copy, name), { recursive: true });
    appendFileSync(join(copy, 'changed/idioms.js'), '// A change.\n');
    const plugins = await pluginsOf(FOLDER);
    expect(JSON.stringify(plugins)).toContain('words@');
    expect(await pluginsOf(join(copy, 'same'))).toEqual(plugins);
    expect(await pluginsOf(join(copy, 'changed'))).not.toEqual(plugins);
  } finally {
    rmSync(copy, { recursive: true });
  }
});
