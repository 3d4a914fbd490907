/** Runs `lambda layer` and formats its result. */
import { fileURLToPath } from 'node:url';

import type { BuiltLayer, LayerPorts } from '../../lambda/layer/build-layer.js';
import { UserError } from '../../lib/errors/user-error.js';
import { renderJson } from '../output/render.js';

/**
 * Returns the folder with the layer's prebuilt files, relative to the bundle in dist/bundle.
 *
 * @throws UserError in the single executable, which has no such folder
 */
export function prebuiltFolder(): string {
  const { url } = import.meta as { readonly url?: string };
  if (url !== undefined) return fileURLToPath(new URL('../executable', url));
  throw new UserError('failed', {
    what: 'cannot build a layer',
    why: 'the single executable does not contain the files for a layer',
    next: ['Install arctun from npm, and run `arctun lambda layer` from that installation.'],
  });
}

/** @throws UserError */
export async function buildLayerByFlags(
  flags: {
    readonly arch: 'x86_64' | 'arm64';
    readonly thin: boolean;
    readonly output?: string | undefined;
  },
  ports: LayerPorts,
): Promise<BuiltLayer> {
  // Load the zip code on demand, because other commands do not need it.
  const { buildLayer } = await import('../../lambda/layer/build-layer.js');
  return buildLayer({ kind: flags.thin ? 'nodejs' : flags.arch, output: flags.output }, ports);
}

export function layerText(layer: BuiltLayer, json: boolean): string {
  if (json) return renderJson(layer);
  const size = (layer.bytes / 1e6).toFixed(1);
  return `${layer.file}: ${size} MB, for ${layer.architectures.join(' and ')}\nsha256 ${layer.sha256}\n`;
}
