/**
 * Writes build/layers (zip files for AWS Lambda) and build/executable (single executables), each
 * with SHA256SUMS: `npm run package layers`. Fails if a file exceeds its size limit. If an architecture is
 * given as an argument, only that one is built.
 */
import { join } from 'node:path';

import { makeExecutable } from '../../dist/src/lambda/layer/executable.js';
import { fetchNode } from '../../dist/src/lambda/layer/fetch-node.js';
import {
  executableDocuments,
  executableLayer,
  thinLayer,
} from '../../dist/src/lambda/layer/layers.js';
import { NODE_PACKAGES } from '../../dist/src/lambda/layer/node-release.js';
import { readPrebuilt } from '../../dist/src/lambda/layer/prebuilt.js';
import { systemCommands } from '../../dist/src/system/process/command-runner.js';
import { REPOSITORY } from './bundles.js';
import { writeCheckedFiles } from './checked-files.js';

const prebuiltFolder = join(REPOSITORY, 'dist/executable');
const layers = new Map();
const executables = new Map();
const [only] = process.argv.slice(2);

for (const [architecture, { name }] of Object.entries(NODE_PACKAGES)) {
  if (only !== undefined && only !== architecture) continue;
  const prebuilt = await readPrebuilt(prebuiltFolder, architecture);
  const node = await fetchNode(architecture, systemCommands, join(REPOSITORY, 'build/node'));
  const executable = makeExecutable(node.executable, prebuilt.program);
  executables.set(name.replace('node', 'arctun'), executable);
  const documents = executableDocuments(prebuilt, node, architecture);
  layers.set(`arctun-lambda-${architecture}.zip`, executableLayer(executable, documents));
}
layers.set('arctun-lambda-nodejs.zip', thinLayer(await readPrebuilt(prebuiltFolder, 'nodejs')));
writeCheckedFiles(join(REPOSITORY, 'build/executable'), executables, 0o755);
writeCheckedFiles(join(REPOSITORY, 'build/layers'), layers, 0o644);
