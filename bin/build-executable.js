/**
 * Writes dist/executable, from which layers and single executables are made (src/layer/prebuilt.ts):
 * `npm run build:executable`. Node of the right version, which makes the blob, comes from npm once.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { fetchNode } from '../dist/src/layer/fetch-node.js';
import { NODE_VERSION } from '../dist/src/layer/node-release.js';
import { systemCommands } from '../dist/src/platform/command-runner.js';
import { bundle, PROGRAMS, REPOSITORY } from './bundles.js';

const output = join(REPOSITORY, 'dist/executable');
/** Packages of Node, and what was made before. */
const cache = join(REPOSITORY, 'build/node');

mkdirSync(output, { recursive: true });
mkdirSync(cache, { recursive: true });
for (const [name, program] of Object.entries(PROGRAMS)) {
  const { code, inputs, bill, notices } = await bundle(program);
  if (name === 'executable') writeFileSync(join(output, 'arctun.blob'), await blobOf(code));
  else writeFileSync(join(output, `${name}.cjs`), code);
  writeFileSync(join(output, `${name}.sbom.json`), bill);
  writeFileSync(join(output, `${name}.notices.txt`), notices);
  console.log(`${name}: ${code.length} bytes from ${inputs.length} modules`);
}

/** The same on every machine: the program without compiled code, and with no path but `arctun.cjs`. */
async function blobOf(code) {
  const key = createHash('sha256').update(`${NODE_VERSION}\n${code}`).digest('hex').slice(0, 16);
  const blob = join(cache, `${key}.blob`);
  if (!existsSync(blob)) {
    const folder = join(cache, key);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'arctun.cjs'), code);
    const configuration = {
      main: 'arctun.cjs',
      output: `../${key}.blob`,
      disableExperimentalSEAWarning: true,
      useCodeCache: false,
      // NODE_OPTIONS are the function's, and may name what is not there.
      execArgvExtension: 'none',
    };
    writeFileSync(join(folder, 'sea.json'), JSON.stringify(configuration));
    const node = await rightNode();
    execFileSync(node, ['--experimental-sea-config', 'sea.json'], { cwd: folder, stdio: 'pipe' });
    rmSync(folder, { recursive: true });
  }
  return readFileSync(blob);
}

/** A Node that makes blobs for NODE_VERSION: its own version alone knows their form. */
async function rightNode() {
  if (process.versions.node === NODE_VERSION) return process.execPath;
  const architecture = { x64: 'x86_64', arm64: 'arm64' }[process.arch];
  if (process.platform !== 'linux' || architecture === undefined)
    throw new Error(`run this with Node ${NODE_VERSION}, or on Linux`);
  const path = join(cache, `node-${NODE_VERSION}-${process.arch}`);
  if (!existsSync(path)) {
    const { executable } = await fetchNode(architecture, systemCommands, cache);
    writeFileSync(path, executable, { mode: 0o755 });
  }
  return path;
}
