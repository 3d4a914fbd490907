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

it('loads no package but those of machine code', () => {
  const loaded = chunks.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const calls = /(?:^import (?:.* from )?|\bimport\(|\b__require\()["'`]([^"'`.][^"'`]*)["'`]/gm;
    return [...text.matchAll(calls)].map(([, specifier = '']) => specifier);
  });
  const packages = new Set(loaded.filter((specifier) => !isBuiltin(specifier)));
  // The others are what oclif asks for in a project that is written in TypeScript.
  const ofCode = [...packages].filter((name) => !/^(typescript|ts-node|tsx)(\/|$)/.test(name));
  expect(ofCode.sort()).toEqual([
    '@koromix/koffi-${process.platform}-${process.arch}',
    'koffi',
    'sodium-native/prebuilds/${process.platform}-${process.arch}/sodium-native.node',
  ]);
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
