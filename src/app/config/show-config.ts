import { skeletonArcConfig } from '../../arc-config/arc-config.js';
import { readFailure } from '../../arc-config/arc-config-file.js';
import { INLINE_CONFIG, resolveConfigSource } from '../../arc-config/config-source.js';
import { FileError, type Files } from '../../ports/files.js';
import { formatArcConfig, redactArcConfig } from '../../arc-config/format-arc-config.js';
import { parseArcConfig } from '../../arc-config/parse-arc-config.js';

/** The skeleton that soratun prints, byte for byte. */
export function skeletonText(platform: string): string {
  return formatArcConfig(skeletonArcConfig(platform));
}

/**
 * The configuration with its secrets hidden; the skeleton where the file is absent or empty, so
 * that `config > arc.json` starts a file as it does with soratun.
 *
 * @throws ArcConfigError with every fault, UserError when the file is there but cannot be read
 */
export async function showConfig(value: string, files: Files, platform: string): Promise<string> {
  const source = resolveConfigSource(value);
  const path = source.kind === 'path' ? source.path : INLINE_CONFIG;
  const text = source.kind === 'path' ? await readIfThere(files, path) : source.text;
  if (text.trim() === '') return skeletonText(platform);
  return redactArcConfig(parseArcConfig(text, { path }));
}

async function readIfThere(files: Files, path: string): Promise<string> {
  try {
    return await files.readText(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.failure === 'absent') return '';
    throw readFailure(error, files.absolute(path));
  }
}
