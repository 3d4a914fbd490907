import type { ArcConfig } from './arc-config.js';
import { inspectConfigFile } from './arc-config-file.js';
import type { Files, InspectedText } from '../ports/files.js';
import { parseArcConfig } from './parse-arc-config.js';
import { pathFault, type PathFault } from '../lib/errors/path-fault.js';
import { UserError } from '../lib/errors/user-error.js';
import { INLINE_CONFIG } from '../lib/text/config-name.js';

/** The source of a configuration: a file path, or the inline configuration itself. */
export type ConfigSource =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'inline'; readonly text: string };

/**
 * Interprets a value of --config or ARCTUN_CONFIG: as JSON if it begins with a brace, as base64 if
 * it decodes to such JSON, and otherwise as a path.
 * @throws UserError `usage` if the value is empty or `-`; `configuration` if the value is clearly
 * not a path; the message omits the value, which may contain a key
 */
export function resolveConfigSource(value: string): ConfigSource {
  const text = inlineConfig(value);
  if (text !== undefined) return { kind: 'inline', text };
  if (value.trim() === '') {
    throw noFile(
      'the value is empty',
      'Pass the path of a file, or remove --config to use arc.json.',
    );
  }
  if (value === '-') {
    throw noFile(
      'the value is -, but arctun does not read standard input here',
      'With `arctun up` or `arctun config validate`, use --read-stdin instead.',
      'For a file with this name, use the path ./-.',
    );
  }
  const fault = pathFault(value);
  if (fault !== undefined) throw unusableConfig(fault);
  return { kind: 'path', path: value };
}

/** Builds the error for a value that is not the path of a file. */
function noFile(why: string, ...next: string[]): UserError {
  return new UserError('usage', { what: 'cannot use --config', why, next });
}

/** @throws UserError `usage` if the value is an inline configuration, because `what` needs a file */
export function requireFile(value: string, what: string): void {
  if (resolveConfigSource(value).kind === 'path') return;
  throw new UserError('usage', {
    what,
    why: 'the configuration was passed inline in --config or ARCTUN_CONFIG, so arctun does not know which file to write',
    next: ['Choose a file with --config.'],
  });
}

/** Extracts inline JSON from a value of --config or ARCTUN_CONFIG; undefined for a path. */
export function inlineConfig(value: string): string | undefined {
  if (value.trimStart().startsWith('{')) return value;
  const decoded = decodeBase64(value);
  return decoded !== undefined && /^\s*\{[\s\S]*\}\s*$/.test(decoded) ? decoded : undefined;
}

const FAULTS: Readonly<Record<PathFault, readonly [why: string, next: string]>> = {
  quoted: [
    'the value begins with a quotation mark',
    'Remove the quotes around the value: docker --env-file and systemd do not remove them.',
  ],
  json: ['the value is a JSON array', 'Pass one configuration, as a JSON object in braces.'],
  'broken-json': [
    'the value looks like JSON, but its beginning is missing or is preceded by other characters',
    'Pass the whole text of arc.json, or the path of the file.',
  ],
  'wireguard-configuration': [
    'the value is a WireGuard configuration',
    'Convert it to arc.json with `arctun config import FILE`.',
  ],
  'several-lines': [
    'the value has several lines but is not JSON',
    'Pass the path of arc.json, or the JSON text of the file.',
  ],
  base64: [
    'the value is base64, but does not contain a complete arc.json in UTF-8',
    'Encode the whole file again: base64 -w 0 arc.json',
  ],
  key: [
    'the value is a key or a token',
    'Pass the path of arc.json, or the JSON text of the file.',
  ],
};

function unusableConfig(fault: PathFault): UserError {
  const [why, next] = FAULTS[fault];
  return new UserError('configuration', {
    what: 'cannot use the value of --config or ARCTUN_CONFIG',
    why,
    next: [next],
  });
}

/** The unparsed content of an arc.json, and its name in messages. */
export interface ConfigText {
  readonly text: string;
  readonly path: string;
  readonly source: ConfigSource;
  /** Which other users can access the file; undefined for an inline configuration. */
  readonly inspected: InspectedText | undefined;
}

/**
 * Reads the unparsed configuration that a value of --config or ARCTUN_CONFIG refers to.
 * @throws UserError like `readConfigFile`
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
 * Reads and parses the configuration that a value of --config or ARCTUN_CONFIG refers to.
 * @throws UserError like `readConfigText` and `parseArcConfig`
 */
export async function loadArcConfigSource(
  files: Files,
  value: string,
): Promise<{ config: ArcConfig; source: ConfigSource }> {
  const { text, path, source } = await readConfigText(files, value);
  return { config: parseArcConfig(text, { path }), source };
}

/** Decodes standard or URL-safe base64 to UTF-8 text. Ignores padding and whitespace. */
export function decodeBase64(text: string): string | undefined {
  const digits = text.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(digits)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(digits, 'base64'));
  } catch {
    return undefined;
  }
}
