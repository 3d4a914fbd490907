/** Builds a layer from the package's prebuilt files and npm's Node, and writes it to a file. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { CommandRunner } from '../../ports/command-runner.js';
import { makeExecutable } from './executable.js';
import { fetchNode } from './fetch-node.js';
import { executableDocuments, executableLayer, thinLayer } from './layers.js';
import type { Architecture } from './node-release.js';
import { type LayerKind, readPrebuilt } from './prebuilt.js';
import { requireLayerPath, writeLayer } from './write-layer.js';

export interface LayerOptions {
  /** `nodejs` is the thin layer, which uses the Node of the Lambda runtime. */
  readonly kind: LayerKind;
  /** Path of the zip file; `arctun-lambda-KIND.zip` by default. */
  readonly output?: string | undefined;
}

export interface LayerPorts {
  readonly commands: CommandRunner;
  /** The package's folder `dist/executable`. */
  readonly prebuilt: string;
  /** Cancels the build, which then does not leave new files behind. */
  readonly signal?: AbortSignal;
  /** Called before each slow step. */
  readonly onStep?: (text: string) => void;
}

export interface BuiltLayer {
  readonly file: string;
  /** The architectures in the form that `aws lambda publish-layer-version` expects. */
  readonly architectures: readonly Architecture[];
  readonly bytes: number;
  readonly sha256: string;
}

/** @throws UserError */
export async function buildLayer(
  { kind, output = `arctun-lambda-${kind}.zip` }: LayerOptions,
  ports: LayerPorts,
): Promise<BuiltLayer> {
  await requireLayerPath(output);
  const bytes =
    kind === 'nodejs'
      ? thinLayer(await readPrebuilt(ports.prebuilt, kind))
      : await packExecutable(kind, ports);
  ports.signal?.throwIfAborted();
  await writeLayer(output, bytes);
  return {
    file: output,
    architectures: kind === 'nodejs' ? ['x86_64', 'arm64'] : [kind],
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

async function packExecutable(
  architecture: Architecture,
  { commands, prebuilt: folder, signal, onStep = () => undefined }: LayerPorts,
): Promise<Uint8Array> {
  const prebuilt = await readPrebuilt(folder, architecture);
  const temporary = await mkdtemp(join(tmpdir(), 'arctun-layer-'));
  try {
    onStep('Downloading Node.js from npm (50 MB) ...');
    const run: CommandRunner['run'] = (command, options) =>
      commands.run(command, { ...options, ...(signal && { signal }) });
    const node = await fetchNode(architecture, { run }, temporary);
    const executable = makeExecutable(node.executable, prebuilt.program);
    onStep('Packing ...');
    return executableLayer(executable, executableDocuments(prebuilt, node, architecture));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
