import type { ArcConfig } from '../../arc-config/arc-config.js';
import { loadArcConfigSource, readConfigText } from '../../arc-config/config-source.js';
import type { InspectedText, OtherWriter } from '../../ports/files.js';
import type { ConfigNotice } from '../../arc-config/member-notices.js';
import { readArcConfigText, refuseFaults } from '../../arc-config/parse-arc-config.js';
import type { TunnelOverrides } from '../../arc-config/tunnel-faults.js';
import { forwardFaults } from './config-forwards.js';
import { UserError } from '../../lib/errors/user-error.js';
import { type ConfigName, INLINE_CONFIG, STANDARD_INPUT } from '../../lib/text/config-name.js';
import { withNewestSession, type StateHome } from '../session/session-state.js';

export interface LoadedArcConfig extends ConfigName {
  /** The configuration for opening a tunnel, with the newest known session. */
  readonly config: ArcConfig;
  /** The configuration exactly as given; a newer session in the state folder is ignored. */
  readonly original: ArcConfig;
  /** Likely mistakes in the file; undefined if the file was not checked. */
  readonly notices?: readonly ConfigNotice[];
  /**
   * The ways in which users other than the current one and root can write the file; absent if no
   * file was read.
   */
  readonly otherWriters?: readonly OtherWriter[];
  /** The mode of a file that other users can read, if the current user can change the mode. */
  readonly readableMode?: number | undefined;
}

/**
 * Loads the configuration given by `--config` or ARCTUN_CONFIG: a path, JSON text or base64-encoded
 * JSON. A newer session of the SIM in the state folder replaces the file's session.
 *
 * @throws ArcConfigError with every error found, UserError if the file cannot be read
 */
export async function loadArcConfig(value: string, home: StateHome): Promise<LoadedArcConfig> {
  const { config: original, source } = await loadArcConfigSource(home.files, value);
  const path = source.kind === 'path' ? source.path : undefined;
  const config = await withNewestSession(original, home);
  return { config, original, source: path ?? INLINE_CONFIG, path };
}

/**
 * Loads a configuration and checks that it has everything a tunnel needs. `up`, `send`, the library
 * and `config validate` all use this function.
 *
 * @param value as in `loadArcConfig`, or the bytes of standard input
 * @throws ArcConfigError with every error found, UserError if the configuration cannot be read
 */
export async function loadTunnelConfig(
  value: string | Uint8Array,
  home: StateHome,
  overrides?: TunnelOverrides,
): Promise<LoadedArcConfig> {
  const { text, source, path, inspected } = await readText(value, home);
  const read = readArcConfigText(text, { path: source });
  const { config: original, notices } = read;
  const faults = [...read.faults, ...forwardFaults(original, read.lineOf)];
  // Ignore sessions in the state folder if the configuration has errors.
  const config = faults.length > 0 ? original : await withNewestSession(original, home);
  refuseFaults({ ...read, faults }, config, { path: source, overrides });
  const loaded = { config, original, source, path, notices };
  if (inspected === undefined) return loaded;
  const { otherWriters, readableMode } = inspected;
  return { ...loaded, otherWriters, readableMode };
}

interface NamedText {
  readonly text: string;
  readonly source: string;
  readonly path: string | undefined;
  /** The file's properties; undefined if the configuration was given inline. */
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
    throw new UserError('configuration', {
      what: `cannot read ${STANDARD_INPUT}`,
      why: 'the text is not valid UTF-8',
      cause: error,
    });
  }
}
