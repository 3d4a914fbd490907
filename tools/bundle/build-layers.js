/**
 * Writes build/layers (zip files for AWS Lambda) and build/executable (single executables), each
 * with SHA256SUMS: `npm run layer`. Fails if a file exceeds its size limit. If an architecture is
 * given as an argument, only that one is built.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
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
import { LIMITS } from './layer-limits.js';

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
write('build/executable', executables, 0o755);
write('build/layers', layers, 0o644);

function write(folder, files, mode) {
  const path = join(REPOSITORY, folder);
  mkdirSync(path, { recursive: true });
  const sums = [...files].map(([name, bytes]) => {
    writeFileSync(join(path, name), bytes, { mode });
    const limit = LIMITS[name];
    console.log(`${folder}/${name}: ${bytes.length} bytes, ${limit} at most`);
    if (bytes.length > limit) {
      console.error(`${name} has grown beyond its limit`);
      process.exitCode = 1;
    }
    return `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`;
  });
  writeFileSync(join(path, 'SHA256SUMS'), sums.join(''));
}
