/**
 * Checks the repository without running its tests: `npm run check`, or `npm run check NAME...` for
 * some of the checks. Two run at once. Most repeat only what has changed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const AT_ONCE = 2;
const REMARK = 'remark --no-config --no-stdout --frail --quiet --use remark-validate-links';

/** The commands of each check, the slowest check first. */
const CHECKS = {
  lint: [
    'eslint . --max-warnings 0 --cache --cache-strategy content --cache-location build/check/lint.json',
    'node tools/lint/check-words.js',
  ],
  types: ['tsc -p tsconfig.json --noEmit --incremental --tsBuildInfoFile build/check/types.json'],
  format: [
    'prettier --check --cache --cache-strategy content --cache-location build/check/format.json .',
  ],
  reference: [
    'tsc -p tsconfig.build.json',
    'node tools/generate/write-reference.js --check',
    'node tools/docs/check-rows.js',
  ],
  layers: ['depcruise --config .dependency-cruiser.mjs src commands'],
  links: [
    `${REMARK}=repository:false *.md docs deploy test`,
    'node tools/links/check-html-links.js',
    'node tools/links/check-package-links.js',
  ],
  pages: ['node tools/docs/check-pages.js'],
};

process.chdir(fileURLToPath(new URL('../', import.meta.url)));
const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !Object.hasOwn(CHECKS, name));
if (unknown !== undefined) {
  console.error(`there is no check ${unknown}; the checks are ${Object.keys(CHECKS).join(', ')}`);
  process.exit(2);
}
const waiting = chosen.length > 0 ? chosen : Object.keys(CHECKS);
await Promise.all(Array.from({ length: AT_ONCE }, runWaiting));

async function runWaiting() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const { code, output } = await run(CHECKS[name].join(' && '));
    console.log(`${code === 0 ? 'passed' : 'FAILED'}: ${name}`);
    if (code === 0) continue;
    console.error(output);
    process.exitCode = 1;
  }
}

async function run(command) {
  let output = '';
  const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  }
  const [code] = await once(child, 'close');
  return { code, output };
}
