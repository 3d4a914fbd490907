import type { ArcConfig } from '../../arc-config/arc-config.js';
import {
  INLINE_CONFIG,
  loadArcConfigSource,
  readConfigText,
} from '../../arc-config/config-source.js';
import type { InspectedText, OtherWriter } from '../../ports/files.js';
import type { ConfigNotice } from '../../arc-config/member-notices.js';
import { readArcConfigText, refuseFaults } from '../../arc-config/parse-arc-config.js';
import type { TunnelOverrides } from '../../arc-config/tunnel-faults.js';
import { UserError } from '../../lib/errors/user-error.js';
import { withNewestSession, type StateHome } from '../session/session-state.js';

export interface LoadedArcConfig {
  /** To open a tunnel with: its session is the newest that is known. */
  readonly config: ArcConfig;
  /** What the file or the text itself holds. */
  readonly original: ArcConfig;
  /** How messages name it: the path, or what stands in its place. */
  readonly source: string;
  /** The file; undefined when the configuration was given as text. */
  readonly path: string | undefined;
  /** What its author may not have meant; undefined if nothing looked for it. */
  readonly notices?: readonly ConfigNotice[];
  /** Who else than us and root can write the file; absent for text that was given instead of a file. */
  readonly otherWriters?: readonly OtherWriter[];
  /** The mode of a file that others can read, if we can change that. */
  readonly readableMode?: number | undefined;
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
 * As `loadArcConfig`, and the configuration has all that a tunnel needs. `up`, `send`, the library and
 * `config validate` all decide by this function.
 *
 * @param value as in `loadArcConfig`, or the bytes of standard input
 * @throws ArcConfigError with every fault of either kind, UserError when the text cannot be read
 */
export async function loadTunnelConfig(
  value: string | Uint8Array,
  home: StateHome,
  overrides?: TunnelOverrides,
): Promise<LoadedArcConfig> {
  const { text, source, path, inspected } = await readText(value, home);
  const read = readArcConfigText(text, { path: source });
  const { config: original, faults, notices } = read;
  // A session from the state folder cannot replace what could not be read.
  const config = faults.length > 0 ? original : await withNewestSession(original, home);
  refuseFaults(read, config, { path: source, overrides });
  const loaded = { config, original, source, path, notices };
  if (inspected === undefined) return loaded;
  const { otherWriters, readableMode } = inspected;
  return { ...loaded, otherWriters, readableMode };
}

interface NamedText {
  readonly text: string;
  readonly source: string;
  readonly path: string | undefined;
  /** undefined for text that was given instead of a file. */
  readonly inspected: InspectedText | undefined;
}

async function readText(value: string | Uint8Array, { files }: StateHome): Promise<NamedText> {
  if (typeof value !== 'string') {
    return { text: decode(value), source: STANDARD_INPUT, path: undefined, inspected: undefined };
  }
  const { text, path: place, source, inspected } = await readConfigText(files, value);
  const path = source.kind === 'path' ? source.path : undefined;
  return { text, source: place, path, inspected };
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
