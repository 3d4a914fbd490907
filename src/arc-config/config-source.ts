import type { ArcConfig } from './arc-config.js';
import { inspectConfigFile } from './arc-config-file.js';
import type { Files, InspectedText } from './files.js';
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
  const decoded = decodeBase64(value);
  if (decoded !== undefined && /^\s*\{[\s\S]*\}\s*$/.test(decoded)) {
    return { kind: 'inline', text: decoded };
  }
  return { kind: 'path', path: value };
}

/** Text that should be an arc.json, and how messages name it. */
export interface ConfigText {
  readonly text: string;
  readonly path: string;
  readonly source: ConfigSource;
  /** Who else has rights on the file; undefined for text that was given instead of a file. */
  readonly inspected: InspectedText | undefined;
}

/**
 * The text that a value of --config or ARCTUN_CONFIG means.
 * @throws UserError as `readConfigFile`
 */
export async function readConfigText(files: Files, value: string): Promise<ConfigText> {
  const source = resolveConfigSource(value);
  if (source.kind === 'inline') {
    return { text: source.text, path: INLINE_CONFIG, source, inspected: undefined };
  }
  const inspected = await inspectConfigFile(files, source.path);
  return { text: inspected.text, path: source.path, source, inspected };
}

/**
 * Reads the configuration that a value of --config or ARCTUN_CONFIG means.
 * @throws UserError as `readConfigText` and `parseArcConfig`
 */
export async function loadArcConfigSource(
  files: Files,
  value: string,
): Promise<{ config: ArcConfig; source: ConfigSource }> {
  const { text, path, source } = await readConfigText(files, value);
  return { config: parseArcConfig(text, { path }), source };
}

/** Standard or URL-safe base64 of UTF-8 text, padding optional, broken into lines or not. */
export function decodeBase64(text: string): string | undefined {
  const digits = text.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(digits)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(digits, 'base64'));
  } catch {
    return undefined;
  }
}
