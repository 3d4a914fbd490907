/** Runs one benchmark: `npm run bench NAME`, with options as in `npm run bench -- NAME --quick`. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const NAMES = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.js') && file !== 'main.js')
  .map((file) => file.slice(0, -'.js'.length));

/** Commands that build what only one benchmark needs. */
const BUILDS = {
  lambda: [
    ['npm', 'run', 'package', 'layers'],
    ['npx', 'tsc', '-p', 'tsconfig.harness.json'],
  ],
};

const [name = '', ...options] = process.argv.slice(2);
if (!NAMES.includes(name)) {
  console.error(`Usage: npm run bench NAME\nNAME is one of: ${NAMES.join(', ')}`);
  process.exit(2);
}
for (const [program, ...parameters] of BUILDS[name] ?? [])
  execFileSync(program, parameters, { stdio: 'inherit' });
process.argv.splice(2, Infinity, ...options);
await import(`./${name}.js`);
