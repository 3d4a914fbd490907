/** Fails if a file that ESLint does not read contains a worn-out idiom. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { idiomsOfFile } from './plain-texts.js';

/** The files that ESLint reads, and texts that were written elsewhere. */
const OTHERS = /\.(js|mjs|ts|md|png)$|^(package-lock\.json|LICENSE|test\/vectors\/.*)$/;

process.chdir(fileURLToPath(new URL('../../', import.meta.url)));
const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
const paths = execFileSync('git', list, { encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\0');
for (const path of paths.filter((each) => each !== '' && !OTHERS.test(each) && existsSync(each))) {
  for (const { found, instead, line } of idiomsOfFile(path, readFileSync(path, 'utf8'))) {
    console.error(`${path}:${line}: "${found}": ${instead}.`);
    process.exitCode = 1;
  }
}
