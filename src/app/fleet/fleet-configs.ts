/** Finds the configurations of a fleet: files, and folders with one file for each SIM. */
import { resolveConfigSource } from '../../arc-config/config-source.js';
import { UserError } from '../../lib/errors/user-error.js';
import { type Files, FileError } from '../../ports/files.js';

/** A configuration and the name of its SIM. */
export interface NamedConfig {
  /** The file's name without `.json`. */
  readonly name: string;
  readonly path: string;
}

/** A file that gets no tunnel. */
export interface IgnoredConfig {
  readonly path: string;
  /** A clause. */
  readonly why: string;
  /** What to do, as a sentence. */
  readonly remedy: string;
}

export interface FoundConfigs {
  /** Sorted by name, without duplicates. */
  readonly configs: readonly NamedConfig[];
  /** Why files were ignored, or removed ones kept, as sentences without a period. */
  readonly problems: readonly string[];
  /** The ignored files, which `problems` also contains. */
  readonly ignored: readonly IgnoredConfig[];
  /** The names of the SIMs that are kept although their folder is empty. */
  readonly kept: ReadonlySet<string>;
}

/** The maximum number of SIMs, so that one process keeps to the limits of the system. */
export const MAX_SIMS = 2_000;

/** A name must be valid as a user name, as a header's value and as the name of a socket. */
const NAME = /^[A-Za-z0-9_=+-][A-Za-z0-9_=+.-]{0,63}$/;

/** Whether a SIM can have this name in a fleet. */
export function isSimName(name: string): boolean {
  return NAME.test(name);
}

const EXTENSION = '.json';

export type ConfigFiles = Pick<Files, 'list' | 'readText'>;

/** A value of --config in a fleet. */
export interface ConfigPlace {
  readonly path: string;
  readonly isFolder: boolean;
}

/**
 * Returns the places of a fleet's configurations; undefined if the values of --config name one
 * configuration.
 *
 * @throws UserError of kind `usage` if one of several values is not a path
 */
export async function fleetPlaces(
  values: readonly string[],
  files: ConfigFiles,
): Promise<readonly ConfigPlace[] | undefined> {
  const isFleet = values.length > 1;
  const places: ConfigPlace[] = [];
  for (const value of values) {
    const source = resolveConfigSource(value);
    if (source.kind === 'path') {
      const { path } = source;
      places.push({ path, isFolder: await isFolder(path, isFleet, files) });
    } else if (isFleet) throw inlineInFleet();
  }
  return isFleet || places[0]?.isFolder === true ? places : undefined;
}

/**
 * Finds the configurations.
 *
 * @param open the configurations that are in use; those of a folder that is now empty are kept,
 * because its volume may not be mounted
 * @throws UserError of kind `configuration` if no configuration exists; FileError if a folder is
 * missing or cannot be read, because its SIMs would seem to be removed
 */
export async function findConfigs(
  places: readonly ConfigPlace[],
  files: ConfigFiles,
  open: readonly NamedConfig[] = [],
): Promise<FoundConfigs> {
  const paths: string[] = [];
  const empty: string[] = [];
  for (const place of places) {
    const here = await pathsAt(place, files);
    paths.push(...here);
    if (here.length === 0) empty.push(folderOf(place));
  }
  const found = new Map<string, string>();
  const ignored: IgnoredConfig[] = [];
  for (const path of paths) {
    const name = nameOf(path);
    const first = found.get(name);
    const fault = faultOf(name, first, found.size);
    if (fault === undefined) found.set(name, path);
    else ignored.push({ path, ...fault });
  }
  const problems = ignored.map(({ path, why }) => `${path} is ignored: ${why}`);
  const kept = new Set<string>();
  for (const folder of empty) {
    const here = open.filter(({ name, path }) => isIn(folder, path) && !found.has(name));
    for (const { name, path } of here) {
      found.set(name, path);
      kept.add(name);
    }
    if (here.length > 0) problems.push(keptText(folder, here));
  }
  if (found.size === 0) throw noConfigs(places, problems);
  const configs = [...found].map(([name, path]) => ({ name, path }));
  configs.sort((one, other) => (one.name < other.name ? -1 : 1));
  return { configs, problems, ignored, kept };
}

/** @param first the path of the configuration that already has the name */
function faultOf(
  name: string,
  first: string | undefined,
  count: number,
): Omit<IgnoredConfig, 'path'> | undefined {
  if (!isSimName(name)) {
    const why = 'before .json, its name must have 1 to 64 letters, digits and characters of _=+.-';
    return { why, remedy: 'Rename the file.' };
  }
  if (first !== undefined) {
    return { why: `${first} has the same name`, remedy: 'Rename one of the two files.' };
  }
  if (count < MAX_SIMS) return undefined;
  const remedy = 'Move the file to another folder, and run another "arctun up" for that folder.';
  return { why: `a process can have at most ${MAX_SIMS} SIMs`, remedy };
}

function keptText(folder: string, kept: readonly NamedConfig[]): string {
  const names = kept.map(({ name }) => name).join(', ');
  return `${folder} is empty, so its SIMs stay open: ${names}. Restart "arctun up" to close them`;
}

function folderOf({ path }: ConfigPlace): string {
  return path.replace(/\/+$/, '');
}

function isIn(folder: string, path: string): boolean {
  return path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/');
}

async function pathsAt(place: ConfigPlace, files: ConfigFiles): Promise<string[]> {
  const { path, isFolder } = place;
  if (!isFolder) return [path];
  const folder = folderOf(place);
  const names = await files.list(path);
  if (names.length === 0) await requireFolder(path, files);
  return names
    .filter((name) => name.endsWith(EXTENSION) && !name.startsWith('.'))
    .sort()
    .map((name) => `${folder}/${name}`);
}

/** A folder that is missing, for example because a volume is not mounted, has no names either. */
async function requireFolder(path: string, files: ConfigFiles): Promise<void> {
  try {
    await files.readText(path);
  } catch (error) {
    const isMissing =
      error instanceof FileError && (error.failure === 'absent' || error.failure === 'no-folder');
    if (isMissing) throw new FileError('absent', path, `the folder ${path} does not exist`);
  }
}

/**
 * Whether the path is a folder. One that is empty may get configurations later, but a fleet cannot
 * start with it alone.
 */
async function isFolder(path: string, isFleet: boolean, files: ConfigFiles): Promise<boolean> {
  try {
    if ((await files.list(path)).length > 0) return true;
    if (isFleet) await requireFolder(path, files);
    return isFleet;
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  }
}

function nameOf(path: string): string {
  const file = path.replace(/^.*[/\\]/s, '');
  return file.endsWith(EXTENSION) ? file.slice(0, -EXTENSION.length) : file;
}

function inlineInFleet(): UserError {
  return new UserError('usage', {
    what: 'cannot use several configurations',
    why: 'one of them was passed inline, and the names of the SIMs are the names of the files',
    next: ['Pass the path of a file or of a folder in each --config.'],
  });
}

function noConfigs(places: readonly ConfigPlace[], problems: readonly string[]): UserError {
  return new UserError('configuration', {
    what: `cannot find a configuration in ${places.map(({ path }) => path).join(', ')}`,
    why: problems[0] ?? 'the folder has no file whose name ends in .json',
    next: ['Put the arc.json of each SIM there, and name the file after the SIM.'],
  });
}
