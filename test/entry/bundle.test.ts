/** dist/bundle, as `npm run build` has written it. */
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { SourceTextModule } from 'node:vm';

import { REPOSITORY } from '../support/processes.js';

const folder = join(REPOSITORY, 'dist/bundle');
const chunks = readdirSync(folder).filter((name) => name.endsWith('.js'));

it('has the entries of the command, of a thread and of the library', () => {
  expect(chunks).toEqual(expect.arrayContaining(['npm.js', 'tunnel-thread.js', 'index.js']));
});

it.each(chunks)('compiles: %s', (name) => {
  expect(() => new SourceTextModule(readFileSync(join(folder, name), 'utf8'))).not.toThrow();
});

it('imports no package but those of machine code', () => {
  const imported = chunks.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const calls = /(?:^import (?:.* from )?|\bimport\()["']([^"'.][^"']*)["']/gm;
    return [...text.matchAll(calls)].map(([, specifier = '']) => specifier);
  });
  const packages = new Set(imported.filter((specifier) => !isBuiltin(specifier)));
  expect([...packages].sort()).toEqual(['koffi', 'sodium-native']);
});

it('has the library without the command line', () => {
  const reached = new Set(['index.js']);
  for (const name of reached) {
    const text = readFileSync(join(folder, name), 'utf8');
    for (const [, file = ''] of text.matchAll(/(?:from |import )"\.\/([^"]+)"/g)) reached.add(file);
    expect(text).not.toMatch(/\bnode_modules\/(@oclif|axios|inquirer)\//);
  }
  expect(reached.size).toBeGreaterThan(3);
});
