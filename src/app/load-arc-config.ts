import type { ArcConfig } from '../arc-config/arc-config.js';
import { INLINE_CONFIG, loadArcConfigSource } from '../arc-config/config-source.js';
import type { Files } from '../arc-config/files.js';

export interface LoadedArcConfig {
  readonly config: ArcConfig;
  /** How messages name it: the path, or what stands in its place. */
  readonly source: string;
}

/**
 * The configuration that `--config` or ARCTUN_CONFIG names: a path, JSON text or its base64.
 * @throws ArcConfigError with every fault that was found, UserError when the file cannot be read
 */
export async function loadArcConfig(value: string, files: Files): Promise<LoadedArcConfig> {
  const { config, source } = await loadArcConfigSource(files, value);
  return { config, source: source.kind === 'path' ? source.path : INLINE_CONFIG };
}
