/** Runs the code blocks of all pages, unless nothing has changed since they last passed. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { isInput } from './docs-inputs.js';
import { hasPassed, savePass, stateOf } from './state.js';

const VERDICT = 'build/check/docs.txt';

process.chdir(fileURLToPath(new URL('../../', import.meta.url)));
const state = stateOf(isInput);
if (hasPassed(VERDICT, state)) {
  console.log('The pages have not changed since their blocks last ran.');
} else {
  const { status } = spawnSync('npm', ['run', 'docs'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  savePass(VERDICT, state);
}
