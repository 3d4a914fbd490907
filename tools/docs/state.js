/** Remembers that a check has passed, until one of its inputs changes. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Returns a hash of Node.js' version and of the inputs' names and contents, including untracked files. */
export function stateOf(isInput) {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const names = execFileSync('git', list, { encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\0');
  const inputs = names.filter((name) => name !== '' && isInput(name) && existsSync(name));
  const hash = createHash('sha256').update(process.version);
  for (const name of inputs.sort()) {
    hash.update(`${name}\0`).update(createHash('sha256').update(readFileSync(name)).digest());
  }
  return hash.digest('hex');
}

export function hasPassed(verdict, state) {
  return existsSync(verdict) && readFileSync(verdict, 'utf8') === state;
}

export function savePass(verdict, state) {
  mkdirSync(dirname(verdict), { recursive: true });
  writeFileSync(verdict, state);
}
