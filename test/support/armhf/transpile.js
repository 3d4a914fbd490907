/**
 * Transpiles the source and the tests to build/armhf/code, which run-tests.js can run there. The
 * folder's own node_modules replaces packages whose native code has no build for 32-bit ARM.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const output = join(repository, 'build/armhf/code');
rmSync(output, { recursive: true, force: true });
await build({
  absWorkingDir: repository,
  entryPoints: ['src/**/*.ts', 'test/**/*.ts'],
  outbase: repository,
  outdir: output,
  format: 'esm',
  target: 'es2023',
});
for (const folder of ['src', 'test'])
  cpSync(join(repository, folder), join(output, folder), {
    recursive: true,
    filter: (name) => !name.endsWith('.ts'),
  });

// koffi's own lookup finds only packages that npm has installed next to it.
addPackage('koffi', "module.exports = require('../../../node_modules/@koromix/koffi-linux-arm');");
// Tests use this package only to extend the timeouts of Jest, which does not run here.
addPackage('@jest/globals', 'exports.jest = { setTimeout: () => undefined };');

function addPackage(name, code) {
  const file = join(output, 'node_modules', name, 'index.js');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${code}\n`);
}
