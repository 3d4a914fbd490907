import type { ArcConfig } from '../arc-config/arc-config.js';
import { INLINE_CONFIG, loadArcConfigSource } from '../arc-config/config-source.js';
import { parseArcConfig } from '../arc-config/parse-arc-config.js';
import { UserError } from '../lib/user-error.js';
import { withNewestSession, type StateHome } from './session-state.js';

export interface LoadedArcConfig {
  /** To open a tunnel with: its session is the newest that is known. */
  readonly config: ArcConfig;
  /** What the file or the text itself holds. */
  readonly original: ArcConfig;
  /** How messages name it: the path, or what stands in its place. */
  readonly source: string;
  /** The file; undefined when the configuration was given as text. */
  readonly path: string | undefined;
}

/**
 * The configuration that `--config` or ARCTUN_CONFIG names: a path, JSON text or its base64. Where
 * the state folder holds a newer session of its SIM, that one is taken.
 *
 * @throws ArcConfigError with every fault that was found, UserError when the file cannot be read
 */
export async function loadArcConfig(value: string, home: StateHome): Promise<LoadedArcConfig> {
  const { config: original, source } = await loadArcConfigSource(home.files, value);
  const path = source.kind === 'path' ? source.path : undefined;
  const config = await withNewestSession(original, home);
  return { config, original, source: path ?? INLINE_CONFIG, path };
}

/** How messages name a configuration that came on standard input. */
const STANDARD_INPUT = 'standard input';

/**
 * The configuration that standard input held: JSON, with the checks and defaults of a file.
 *
 * @throws ArcConfigError with every fault that was found, UserError when it is no UTF-8 text
 */
export async function loadArcConfigBytes(
  bytes: Uint8Array,
  home: StateHome,
): Promise<LoadedArcConfig> {
  const original = parseArcConfig(decode(bytes), { path: STANDARD_INPUT });
  const config = await withNewestSession(original, home);
  return { config, original, source: STANDARD_INPUT, path: undefined };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new UserError(
      'configuration',
      { what: `cannot read ${STANDARD_INPUT}`, why: 'it is not UTF-8 text' },
      { cause: error },
    );
  }
}
