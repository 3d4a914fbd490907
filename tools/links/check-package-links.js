/**
 * Fails if a page in the npm package links to a file that the package does not contain. Files that
 * package.json omits by name are an exception.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { missingTargets } from './package-links.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pack = ['pack', '--dry-run', '--json', '--ignore-scripts'];
const [{ files }] = JSON.parse(
  execFileSync('npm', pack, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 26 }),
);
const paths = files.map(({ path }) => path);
const entries = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).files;
const omitted = entries.filter((entry) => entry.startsWith('!')).map((entry) => entry.slice(1));
const known = [...paths, ...omitted];

for (const page of paths.filter((path) => path.endsWith('.md'))) {
  for (const { target, line } of missingTargets(page, readFileSync(root + page, 'utf8'), known)) {
    console.error(`${page}:${line}: ${target} is not in the npm package ("files" of package.json)`);
    process.exitCode = 1;
  }
}
