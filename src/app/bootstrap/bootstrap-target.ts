import { ArcConfigError } from '../../arc-config/arc-config-error.js';
import { isSkeleton, SKELETON_SIM_ID, type ArcConfig } from '../../arc-config/arc-config.js';
import { readFailure, writeFailure } from '../../arc-config/arc-config-file.js';
import { requireFile } from '../../arc-config/config-source.js';
import { FileError, type Files } from '../../ports/files.js';
import { parseArcConfig } from '../../arc-config/parse-arc-config.js';
import { UserError, type FailureKind } from '../../lib/errors/user-error.js';
import { commandFor } from '../../lib/text/config-name.js';
import { sessionStatePath } from '../session/session-state.js';
import { requireSimId } from '../sim/sim-target.js';
import { refuseWhileRescued } from './bootstrap-rescue.js';
import type { BootstrapAuthkeyOptions, BootstrapPorts, SimRun } from './bootstrap-run.js';
import { SimJournal } from './sim-journal.js';

const MOVE_AWAY = 'To start over, move the file elsewhere, or choose another file with --config.';

/** What an earlier run has left of one arc.json. */
export type OpenedTarget = Pick<SimRun, 'existing' | 'journal'>;

/**
 * Checks everything that can be checked before the first API call.
 * @throws UserError; nothing was created
 */
export async function openBootstrapTarget(
  options: BootstrapAuthkeyOptions,
  ports: BootstrapPorts,
): Promise<OpenedTarget> {
  const target = await readTarget(options, ports);
  await proveUsable(target, options, ports);
  return target;
}

/** @throws UserError if arc.json or its journal cannot be used; nothing was created */
export async function readTarget(
  options: BootstrapAuthkeyOptions,
  { files, journals }: Pick<BootstrapPorts, 'files' | 'journals'>,
): Promise<OpenedTarget> {
  const { path, adopt } = options;
  if (adopt !== undefined) requireSimId(adopt);
  const existing = await readBootstrapTarget(files, path);
  refuseOtherSim(existing, options, files);
  return { existing, journal: await SimJournal.open(journals, path) };
}

/** @throws UserError if the result could not be saved; nothing was created */
export async function proveUsable(
  { existing, journal }: OpenedTarget,
  options: BootstrapAuthkeyOptions,
  { files }: Pick<BootstrapPorts, 'files'>,
): Promise<void> {
  const { path, stateFolder } = options;
  if (!existing && !journal.progress.created) await refuseWhileRescued(files, path, stateFolder);
  await proveWritable(journal.line === 'none' ? existing : undefined, options, files);
}

/**
 * Checks that the result can be saved. A new session can be saved in the state folder instead, but
 * a key cannot.
 */
async function proveWritable(
  refreshed: ArcConfig | undefined,
  { path, stateFolder }: BootstrapAuthkeyOptions,
  files: Files,
): Promise<void> {
  try {
    await proveTargetWritable(files, path);
  } catch (error) {
    if (refreshed === undefined) throw error;
    try {
      await files.createFolder(stateFolder);
      await files.proveWritable(sessionStatePath(refreshed.simId, { files, stateFolder }));
    } catch {
      throw error;
    }
  }
}

function refuseOtherSim(
  existing: ArcConfig | undefined,
  { adopt, path }: BootstrapAuthkeyOptions,
  files: Files,
): void {
  if (existing === undefined || adopt === undefined || existing.simId === adopt) return;
  throw new UserError('usage', {
    what: `cannot use ${files.absolute(path)}`,
    why: `it belongs to SIM ${existing.simId}, but --adopt names a different SIM`,
    next: [
      'Nothing was changed.',
      'Choose another file with --config, or move this file to another folder.',
    ],
  });
}

/**
 * Reads the arc.json to refresh; undefined if a new one must be created. An unusable arc.json
 * causes an error, because it may contain the key of a SIM that is billed.
 *
 * @throws UserError that explains why the file cannot be used
 */
export async function readBootstrapTarget(
  files: Files,
  path: string,
): Promise<ArcConfig | undefined> {
  const config = await readExistingTarget(files, path);
  if (config?.simId !== '') return config;
  throw refusal(
    'configuration',
    files.absolute(path),
    'simId is missing, so the session cannot be renewed',
    [
      'Nothing was created or changed.',
      'Add the simId of the virtual SIM, as shown in the user console.',
      `Or, if \`bootstrap cellular\` wrote the file, run \`${commandFor('bootstrap cellular', path)}\` to renew the session.`,
      MOVE_AWAY,
    ],
  );
}

/**
 * Reads the arc.json to overwrite, whichever SIM it belongs to; undefined if absent.
 *
 * @throws UserError that explains why the file cannot be used
 */
export async function readExistingTarget(
  files: Files,
  path: string,
): Promise<ArcConfig | undefined> {
  requireFile(path, 'cannot bootstrap');
  const place = files.absolute(path);
  const text = await readUnlessAbsent(files, path);
  if (text === undefined) return undefined;
  const config = parseOrRefuse(text, place);
  if (isSkeleton(config)) throw refuseSkeleton(config, place, path);
  return config;
}

/** An arc.json with a SIM ID but no key is not a skeleton: its SIM exists and is billed. */
function refuseSkeleton({ simId }: ArcConfig, place: string, path: string): UserError {
  if (simId === '' || simId === SKELETON_SIM_ID) {
    return refusal('configuration', place, 'it is a template and does not contain a SIM ID', [
      MOVE_AWAY,
    ]);
  }
  return refusal('configuration', place, `it belongs to SIM ${simId} but has no private key`, [
    'Nothing was created or changed.',
    `Run \`${commandFor('sim renew-key', path)}\` to give that SIM a new key.`,
    MOVE_AWAY,
  ]);
}

/**
 * Checks that the target can be written before a SIM or key is created.
 * @throws UserError
 */
export async function proveTargetWritable(files: Files, path: string): Promise<void> {
  try {
    await files.proveWritable(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const { kind, why, next } = writeFailure(error, files.absolute(path));
    throw refusal(kind, files.absolute(path), `it cannot be written: ${why}`, next, error);
  }
}

async function readUnlessAbsent(files: Files, path: string): Promise<string | undefined> {
  try {
    return await files.readText(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    // If the folder is missing, the later write check reports it.
    if (error.failure === 'absent' || error.failure === 'no-folder') return undefined;
    const { kind, why, next } = readFailure(error, files.absolute(path), path);
    throw refusal(
      kind,
      files.absolute(path),
      `it cannot be read: ${why}`,
      [...next, MOVE_AWAY],
      error,
    );
  }
}

function parseOrRefuse(text: string, place: string): ArcConfig {
  try {
    return parseArcConfig(text, { path: place });
  } catch (error) {
    if (!(error instanceof ArcConfigError)) throw error;
    const next = [
      'Nothing was created or changed.',
      'Correct the file to keep using its SIM.',
      MOVE_AWAY,
    ];
    throw refusal('configuration', place, error.why, next, error);
  }
}

function refusal(
  kind: FailureKind,
  place: string,
  why: string,
  next: readonly string[],
  cause?: Error,
): UserError {
  return new UserError(kind, { what: `cannot use ${place}`, why, next, cause });
}
