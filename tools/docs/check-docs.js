/** Runs the code blocks of all pages, unless nothing has changed since they last passed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { isInput } from './docs-inputs.js';

const VERDICT = 'build/check/docs.txt';

process.chdir(fileURLToPath(new URL('../../', import.meta.url)));
const state = stateOfInputs();
if (existsSync(VERDICT) && readFileSync(VERDICT, 'utf8') === state) {
  console.log('The pages have not changed since their blocks last ran.');
} else {
  const { status } = spawnSync('npm', ['run', 'docs'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  mkdirSync(dirname(VERDICT), { recursive: true });
  writeFileSync(VERDICT, state);
}

/** Returns a hash of Node.js' version, and of the names and contents of files, including untracked ones. */
function stateOfInputs() {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const names = execFileSync('git', list, { encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\0');
  const inputs = names.filter((name) => name !== '' && isInput(name) && existsSync(name));
  const hash = createHash('sha256').update(process.version);
  for (const name of inputs.sort()) {
    hash.update(`${name}\0`).update(createHash('sha256').update(readFileSync(name)).digest());
  }
  return hash.digest('hex');
}
