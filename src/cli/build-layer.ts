/** What `lambda layer` does with its flags, and says of the layer. */
import { fileURLToPath } from 'node:url';

import type { BuiltLayer, LayerPorts } from '../layer/build-layer.js';
import { renderJson } from './render.js';

/** What the package was published with, seen from the bundle in dist/command-line. */
export const PREBUILT_FOLDER = fileURLToPath(new URL('../executable', import.meta.url));

/** @throws UserError */
export async function buildLayerByFlags(
  flags: {
    readonly arch: 'x86_64' | 'arm64';
    readonly thin: boolean;
    readonly output?: string | undefined;
  },
  ports: LayerPorts,
): Promise<BuiltLayer> {
  // Deflate and the rest are loaded for this command alone.
  const { buildLayer } = await import('../layer/build-layer.js');
  return buildLayer({ kind: flags.thin ? 'nodejs' : flags.arch, output: flags.output }, ports);
}

export function layerText(layer: BuiltLayer, json: boolean): string {
  if (json) return renderJson(layer);
  const size = (layer.bytes / 1e6).toFixed(1);
  return `${layer.file}: ${size} MB, for ${layer.architectures.join(' and ')}\nsha256 ${layer.sha256}\n`;
}
