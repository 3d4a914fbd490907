/** The configurations of several SIMs in one folder, and what earlier runs have left of them. */
import { ArcConfigError } from '../../arc-config/arc-config-error.js';
import { parseArcConfig } from '../../arc-config/parse-arc-config.js';
import { fileFaultKind } from '../../lib/errors/file-fault.js';
import { UserError } from '../../lib/errors/user-error.js';
import { FileError, type Files } from '../../ports/files.js';
import { requireSimId } from '../sim/sim-target.js';
import type { BootstrapAuthkeyOptions, BootstrapPorts } from './bootstrap-run.js';
import { type OpenedTarget, readTarget } from './bootstrap-target.js';
import type { SimLabels } from './label-sim.js';
import { isSimName, MAX_SIMS } from '../fleet/fleet-configs.js';

export interface ManyOptions extends SimNames, Omit<BootstrapAuthkeyOptions, 'path' | 'known'> {
  /** The folder of the configurations. */
  readonly folder: string;
  readonly labels?: Omit<SimLabels, 'name'>;
}

/** The configuration of one SIM. */
export interface SimTarget extends OpenedTarget {
  readonly name: string;
  readonly options: BootstrapAuthkeyOptions;
}

export interface ManyTargets {
  /** SIMs with a finished configuration. */
  readonly finished: readonly SimTarget[];
  /** SIMs whose creation was interrupted. */
  readonly interrupted: readonly SimTarget[];
  /** SIMs that were never requested. */
  readonly missing: readonly SimTarget[];
}

/**
 * Reads the configurations and their journals.
 *
 * @throws UserError if one of them cannot be used, or --adopt and --create-another do not apply
 */
export async function readTargets(
  options: ManyOptions,
  ports: Pick<BootstrapPorts, 'files' | 'journals'>,
): Promise<ManyTargets> {
  const names = simNames(options);
  if (options.adopt !== undefined) requireSimId(options.adopt);
  await createFolder(options.folder, ports);
  const targets: SimTarget[] = [];
  for (const name of names) {
    const single = optionsOf(name, options);
    targets.push({ name, options: single, ...(await readTarget(single, ports)) });
  }
  const known = new Set(targets.flatMap(simIdsOf));
  const isInterrupted = ({ journal }: SimTarget): boolean => journal.line !== 'none';
  const interrupted = targets.filter(isInterrupted);
  refuseUnusedChoice(interrupted.filter(isUnanswered), options);
  await refuseUsedSim(targets, options, ports);
  return {
    finished: targets.filter((target) => target.existing !== undefined && !isInterrupted(target)),
    interrupted: interrupted.map((target) => withChoice(target, known, options)),
    missing: targets.filter((target) => target.existing === undefined && !isInterrupted(target)),
  };
}

function optionsOf(name: string, options: ManyOptions): BootstrapAuthkeyOptions {
  const { folder, labels } = options;
  const path = `${folder.replace(/\/+$/, '')}/${name}.json`;
  return { ...options, path, labels: { ...labels, name }, adopt: undefined, createAnother: false };
}

/** The choice of the user applies only to the SIM whose ID is unknown. */
function withChoice(
  target: SimTarget,
  known: ReadonlySet<string>,
  { adopt, createAnother = false }: ManyOptions,
): SimTarget {
  const choice = isUnanswered(target) ? { adopt, createAnother } : {};
  return { ...target, options: { ...target.options, known, ...choice } };
}

/** Whether SORACOM may have created a SIM whose ID is unknown. */
export function isUnanswered({ existing, journal }: SimTarget): boolean {
  return existing === undefined && journal.line === 'create-sim';
}

/** The SIM IDs in arc.json and in the journal. */
function simIdsOf({ existing, journal: { progress } }: SimTarget): string[] {
  const ids = [existing?.simId, progress.created?.simId, progress.renewKey?.simId];
  return ids.filter((simId) => simId !== undefined);
}

function refuseUnusedChoice(
  unanswered: readonly SimTarget[],
  { adopt, createAnother = false }: ManyOptions,
): void {
  const flag = adopt !== undefined ? '--adopt' : createAnother ? '--create-another' : undefined;
  const isUnclear = adopt !== undefined && unanswered.length > 1;
  if (flag === undefined || (unanswered.length > 0 && !isUnclear)) return;
  throw new UserError('usage', {
    what: `cannot use ${flag} with --count`,
    why:
      unanswered.length === 0
        ? 'no request for a SIM in this folder was interrupted'
        : `${unanswered.length} requests were interrupted: ${unanswered.map(({ name }) => name).join(', ')}`,
    next: [
      'Nothing was created or changed.',
      isUnclear
        ? 'Finish each of them with `arctun bootstrap authkey --config FILE --adopt SIM_ID`.'
        : `Run the same command without ${flag}.`,
    ],
  });
}

/**
 * Refuses to adopt the SIM of another file in the folder, because a new key would disconnect the
 * device of that file.
 */
async function refuseUsedSim(
  targets: readonly SimTarget[],
  { adopt, folder }: ManyOptions,
  { files }: Pick<BootstrapPorts, 'files'>,
): Promise<void> {
  if (adopt === undefined) return;
  const user =
    targets.find((target) => simIdsOf(target).includes(adopt))?.options.path ??
    (await fileOfSim(adopt, folder, files));
  if (user === undefined) return;
  throw new UserError('usage', {
    what: `cannot adopt SIM ${adopt}`,
    why: `${files.absolute(user)} already uses it`,
    next: [
      'Nothing was created or changed.',
      'Pass the ID of the SIM whose creation was interrupted, as shown by the run without --adopt.',
    ],
  });
}

/** Returns the path of the configuration with this SIM, also if it has another name prefix. */
async function fileOfSim(
  simId: string,
  folder: string,
  files: Pick<Files, 'list' | 'readText'>,
): Promise<string | undefined> {
  for (const name of await files.list(folder)) {
    if (!name.endsWith('.json')) continue;
    const path = `${folder.replace(/\/+$/, '')}/${name}`;
    try {
      if (parseArcConfig(await files.readText(path), { path }).simId === simId) return path;
    } catch (error) {
      // Another file does not have to be an arc.json.
      if (!(error instanceof FileError) && !(error instanceof ArcConfigError)) throw error;
    }
  }
  return undefined;
}

async function createFolder(
  folder: string,
  { files }: Pick<BootstrapPorts, 'files'>,
): Promise<void> {
  try {
    await files.createFolder(folder);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new UserError(fileFaultKind(error), {
      what: `cannot create the folder ${files.absolute(folder)}`,
      why: error.message,
      next: ['Nothing was created or changed.', 'Choose another folder with --output-folder.'],
      cause: error,
    });
  }
}

export interface SimNames {
  /** A name is this prefix and the number of the SIM, from 1. */
  readonly namePrefix: string;
  readonly count: number;
}

/**
 * Returns the names, which are also the names of the files in a fleet's folder. Numbers have no
 * leading zeros, so that a larger count keeps the names.
 *
 * @throws UserError of kind `usage` if the files would not be valid in a fleet
 */
export function simNames({ namePrefix, count }: SimNames): readonly string[] {
  if (!(count >= 1 && count <= MAX_SIMS)) {
    const why = `--count ${count} must be from 1 to ${MAX_SIMS}`;
    throw refusal(why, `Use a count of up to ${MAX_SIMS} for each folder.`);
  }
  if (!isSimName(`${namePrefix}${count}`)) {
    const why = `the name ${namePrefix}${count} must have 1 to 64 letters, digits and characters of _=+.-`;
    throw refusal(why, 'Choose another --name-prefix, such as sensor-.');
  }
  return Array.from({ length: count }, (_, index) => `${namePrefix}${index + 1}`);
}

function refusal(why: string, next: string): UserError {
  const what = 'cannot create the virtual SIMs';
  return new UserError('usage', { what, why, next: ['Nothing was created or changed.', next] });
}
