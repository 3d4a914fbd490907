/**
 * Writes dist/command-line: the npm package's command in one bundle, split so that a command loads its own
 * code alone. Unbundled, a command finds and reads several hundred files at each start.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { build } from 'esbuild';

import { contentOf, REPOSITORY } from './bundles.js';

const output = join(REPOSITORY, 'dist/command-line');

rmSync(output, { recursive: true, force: true });
const { metafile } = await build({
  // Each has a file of that name: one is started by bin/run.js, the other is a thread's.
  entryPoints: ['src/entry/npm.ts', 'src/cli/tunnel-thread.ts'],
  entryNames: '[name]',
  absWorkingDir: REPOSITORY,
  outdir: output,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // Stack traces are read by people.
  keepNames: true,
  metafile: true,
  legalComments: 'none',
  // The first two hold machine code. oclif asks for the others if a project is written in TypeScript.
  external: ['koffi', 'sodium-native', 'typescript', 'ts-node', 'tsx'],
  // CommonJS packages in the bundle ask for Node's modules. No code of the bundle has these names.
  banner: {
    js: [
      "import { createRequire as createRequireForBundle } from 'node:module';",
      'const require = createRequireForBundle(import.meta.url);',
    ].join('\n'),
  },
});
const { notices } = contentOf([metafile]);
writeFileSync(join(output, 'notices.txt'), notices);
