import type { ArcConfig } from './arc-config.js';
import { readArcConfig } from './arc-config-file.js';
import type { Files } from './files.js';
import { parseArcConfig } from './parse-arc-config.js';

/** Where a configuration comes from: a file, or the text that was given in its place. */
export type ConfigSource =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'inline'; readonly text: string };

/** How messages name a configuration that is no file. */
export const INLINE_CONFIG = 'the inline configuration';

/**
 * What a value of --config or ARCTUN_CONFIG means: JSON when it begins with a brace, its base64
 * when it decodes to that, otherwise a path.
 */
export function resolveConfigSource(value: string): ConfigSource {
  if (value.trimStart().startsWith('{')) return { kind: 'inline', text: value };
  const decoded = decodeBase64(value.replaceAll(/\s/g, ''));
  if (decoded !== undefined && /^\s*\{[\s\S]*\}\s*$/.test(decoded)) {
    return { kind: 'inline', text: decoded };
  }
  return { kind: 'path', path: value };
}

/**
 * Reads the configuration that a value of --config or ARCTUN_CONFIG means.
 * @throws UserError as `readArcConfig` and `parseArcConfig`
 */
export async function loadArcConfigSource(
  files: Files,
  value: string,
): Promise<{ config: ArcConfig; source: ConfigSource }> {
  const source = resolveConfigSource(value);
  const config =
    source.kind === 'path'
      ? await readArcConfig(files, source.path)
      : parseArcConfig(source.text, { path: INLINE_CONFIG });
  return { config, source };
}

/** Standard or URL-safe base64 of UTF-8 text, padding optional. */
function decodeBase64(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64'));
  } catch {
    return undefined;
  }
}
