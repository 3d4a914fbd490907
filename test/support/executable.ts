/** Writes the single executable, as `node tools/bundle/build-layers.js` does. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeExecutable } from '../../src/lambda/layer/executable.js';
import { fetchNode } from '../../src/lambda/layer/fetch-node.js';
import type { Architecture } from '../../src/lambda/layer/node-release.js';
import { readPrebuilt } from '../../src/lambda/layer/prebuilt.js';
import { systemCommands } from '../../src/system/process/command-runner.js';
import { REPOSITORY } from './processes.js';

/**
 * Writes the executable from dist/executable, built by `npm run build:executable`, and the Node that the build
 * downloaded.
 */
export async function writeExecutable(
  path: string,
  architecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64',
): Promise<void> {
  const { program } = await readPrebuilt(join(REPOSITORY, 'dist/executable'), architecture);
  const node = await fetchNode(architecture, systemCommands, join(REPOSITORY, 'build/node'));
  writeFileSync(path, makeExecutable(node.executable, program), { mode: 0o755 });
}
