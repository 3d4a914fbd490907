import { skeletonArcConfig } from '../../arc-config/arc-config.js';
import { readIfPresent } from '../../arc-config/arc-config-file.js';
import { resolveConfigSource } from '../../arc-config/config-source.js';
import { INLINE_CONFIG } from '../../lib/text/config-name.js';
import type { Files } from '../../ports/files.js';
import { formatArcConfig, redactArcConfig } from '../../arc-config/format-arc-config.js';
import { parseArcConfig } from '../../arc-config/parse-arc-config.js';

/** Returns the skeleton with exactly the bytes that soratun prints. */
export function skeletonText(platform: string): string {
  return formatArcConfig(skeletonArcConfig(platform));
}

/**
 * Returns the configuration with its secrets hidden. For an absent or empty file it returns the
 * skeleton, so that `config > arc.json` creates a new file as in soratun.
 *
 * @throws ArcConfigError with every error found, UserError if the file exists but cannot be read
 */
export async function showConfig(value: string, files: Files, platform: string): Promise<string> {
  const source = resolveConfigSource(value);
  const path = source.kind === 'path' ? source.path : INLINE_CONFIG;
  const text = source.kind === 'path' ? await readIfPresent(files, path, ['absent']) : source.text;
  if (text === undefined || text.trim() === '') return skeletonText(platform);
  return redactArcConfig(parseArcConfig(text, { path }));
}
