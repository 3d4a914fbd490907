/** Fails if README links to a file that the npm package does not contain. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { linksOf, pathOf } from './links.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pack = ['pack', '--dry-run', '--json', '--ignore-scripts'];
const [{ files }] = JSON.parse(
  execFileSync('npm', pack, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 26 }),
);
const paths = files.map(({ path }) => path);

for (const page of readdirSync(root).filter((name) => /^README.*\.md$/.test(name))) {
  for (const { url, line } of linksOf(readFileSync(root + page, 'utf8'))) {
    const target = pathOf(url)?.replace(/\/$/, '');
    if (target === undefined) continue;
    if (paths.some((path) => path === target || path.startsWith(`${target}/`))) continue;
    console.error(`${page}:${line}: ${target} is not in the npm package ("files" of package.json)`);
    process.exitCode = 1;
  }
}
