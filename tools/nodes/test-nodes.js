/**
 * Runs the tests on each supported version of Node.js: `npm run test:nodes`. Node for Linux is
 * downloaded from npm once.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { fetchNode } from '../../dist/src/lambda/layer/fetch-node.js';
import { NODE_PACKAGES } from '../../dist/src/lambda/layer/node-release.js';
import { systemCommands } from '../../dist/src/system/process/command-runner.js';
import { nodesFor } from './node-versions.js';
import { planOf, USAGE } from './plan.js';

process.chdir(fileURLToPath(new URL('../../', import.meta.url)));
const downloads = 'build/node';
const failures = [];
try {
  const plan = planOf(process.argv.slice(2), nodesFor(NODE_PACKAGES));
  if (plan.needsExecutable) run(process.execPath, ['tools/bundle/build-executable.js']);
  for (const node of plan.nodes) {
    const folder = await install(node);
    for (const { name, words } of plan.steps) {
      console.log(`\n== Node.js ${node.version}: ${name}`);
      if (!run(join(folder, 'node'), words, folder)) failures.push(`${node.version}: ${name}`);
    }
  }
} catch (error) {
  failures.push(error.message);
  if (error instanceof TypeError) failures.push(USAGE);
}
for (const failure of failures) console.error(`test:nodes: failed: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;

/** Writes the program to a folder of its own, which comes first in the PATH of the tests. */
async function install(node) {
  const folder = join(downloads, `v${node.version}`);
  const program = join(process.cwd(), folder, 'node');
  if (!existsSync(program)) {
    const { executable } = await fetchNode(node.architecture, systemCommands, downloads, node);
    mkdirSync(folder, { recursive: true });
    writeFileSync(program, executable, { mode: 0o755 });
  }
  try {
    execFileSync(program, ['--version'], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const reason = String(error.stderr ?? error.message).trim();
    const hint = reason.includes('libatomic')
      ? ' (on Debian, run: apt-get install libatomic1)'
      : '';
    const message = `Node.js ${node.version} does not start: ${reason}${hint}`;
    throw new Error(message, { cause: error });
  }
  return join(process.cwd(), folder);
}

/** Whether the program succeeded. */
function run(program, words, folder) {
  const { PATH = '' } = process.env;
  const path = folder === undefined ? PATH : `${folder}${delimiter}${PATH}`;
  const { status, error } = spawnSync(program, words, {
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  if (error !== undefined) throw error;
  return status === 0;
}
