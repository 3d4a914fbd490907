/** Determines which SIM a command applies to, and which arc.json belongs to that SIM. */
import { type ArcProfile, SKELETON_SIM_ID } from '../../arc-config/arc-config.js';
import { FileError } from '../../ports/files.js';
import { UserError } from '../../lib/errors/user-error.js';
import { loadArcConfig, type LoadedArcConfig } from '../config/load-arc-config.js';
import type { StateHome } from '../session/session-state.js';

export interface SimTarget {
  readonly simId: string;
  readonly arcConfig: LoadedArcConfig | undefined;
  /** The credentials in arc.json, even if the file belongs to another SIM. */
  readonly profile: ArcProfile | undefined;
  /** Remarks for the user, as sentences. */
  readonly notes: readonly string[];
}

/**
 * Returns the given SIM, or the SIM of arc.json. If a SIM ID is given, arc.json may be missing or
 * invalid.
 *
 * @param value the value of `--config`; undefined to use no arc.json
 * @throws UserError of kind `usage` for an invalid ID, of kind `configuration` if no SIM ID was
 * found; errors of `loadArcConfig` if arc.json is required
 */
export async function findSimTarget(
  simId: string | undefined,
  value: string | undefined,
  home: StateHome,
): Promise<SimTarget> {
  if (simId === undefined) return targetOfArcConfig(value ?? '', home);
  requireSimId(simId);
  const { arcConfig, profile, notes } = await findArcConfig(value, home);
  const isItsOwn = arcConfig?.original.simId === simId;
  return { simId, arcConfig: isItsOwn ? arcConfig : undefined, profile, notes };
}

/** Loads an arc.json if possible; a missing or invalid file is not an error. */
export async function findArcConfig(
  value: string | undefined,
  home: StateHome,
): Promise<Omit<SimTarget, 'simId'>> {
  if (value === undefined) return { arcConfig: undefined, profile: undefined, notes: [] };
  try {
    const arcConfig = await loadArcConfig(value, home);
    return { arcConfig, profile: arcConfig.original.profile, notes: [] };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const notes = isAbsence(error) ? [] : [`The configuration was ignored: ${error.message}.`];
    return { arcConfig: undefined, profile: undefined, notes };
  }
}

async function targetOfArcConfig(value: string, home: StateHome): Promise<SimTarget> {
  let arcConfig: LoadedArcConfig;
  try {
    arcConfig = await loadArcConfig(value, home);
  } catch (error) {
    if (error instanceof UserError && isAbsence(error)) throw unnamedSim(error.message, error);
    throw error;
  }
  const { simId, profile } = arcConfig.original;
  if (simId === '' || simId === SKELETON_SIM_ID) {
    throw unnamedSim(`${arcConfig.source} does not contain a SIM ID`);
  }
  requireSimId(simId);
  return { simId, arcConfig, profile, notes: [] };
}

/**
 * Checks a SIM ID before using it in an API path, because dots or slashes could change the path.
 * @throws UserError of kind `usage`
 */
export function requireSimId(simId: string): void {
  if (/^\w{1,64}$/.test(simId)) return;
  throw new UserError('usage', {
    what: 'cannot select a SIM',
    why: `${JSON.stringify(simId)} is not a SIM ID`,
    next: ['Pass the SIM ID, 18 to 20 digits, as shown by `arctun sim list`.'],
  });
}

function isAbsence({ cause }: UserError): boolean {
  return cause instanceof FileError && ['absent', 'no-folder'].includes(cause.failure);
}

function unnamedSim(why: string, cause?: Error): UserError {
  return new UserError('configuration', {
    what: 'cannot select a SIM',
    why: `no SIM ID was given, and ${why}`,
    next: ['Pass a SIM ID from `arctun sim list`, or choose an arc.json with --config.'],
    cause,
  });
}
