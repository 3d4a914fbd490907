/** Writes the two programs of the GitHub Action (action.yml) to dist/action, one file each. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { build } from 'esbuild';

import { REPOSITORY } from './bundles.js';

const output = join(REPOSITORY, 'dist/action');
rmSync(output, { recursive: true, force: true });
await build({
  entryPoints: { main: 'src/action/start-main.ts', post: 'src/action/start-post.ts' },
  absWorkingDir: REPOSITORY,
  outdir: output,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  legalComments: 'none',
});
