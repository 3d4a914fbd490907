/** Runs the code blocks of all pages, unless nothing has changed since they last passed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { isInput } from './docs-inputs.js';
import { hasPassed, savePass, stateOf } from './state.js';

const VERDICT = 'build/check/docs.txt';
const RESULTS = 'build/check/docs.json';

process.chdir(fileURLToPath(new URL('../../', import.meta.url)));
const state = stateOf(isInput);
if (hasPassed(VERDICT, state)) {
  console.log('The pages have not changed since their blocks last ran.');
} else {
  const results = ['--json', '--outputFile', RESULTS];
  const { status } = spawnSync('npm', ['run', 'docs', '--', ...results], {
    stdio: ['inherit', 'ignore', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
  const { numPassedTests, numPendingTests } = JSON.parse(readFileSync(RESULTS, 'utf8'));
  console.log(`Pages: ${numPassedTests} tests passed, ${numPendingTests} were skipped.`);
  // A skipped page may be broken, so the next run tries again.
  if (numPendingTests === 0) savePass(VERDICT, state);
}
