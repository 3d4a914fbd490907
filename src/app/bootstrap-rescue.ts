import { formatArcConfig } from '../arc-config/format-arc-config.js';
import type { ArcConfig } from '../arc-config/arc-config.js';
import { FileError, type Files } from '../arc-config/files.js';
import { Secret } from '../lib/secret.js';
import { UserError } from '../lib/user-error.js';

/**
 * A SIM has a new key, but its arc.json could not be written where it belongs. The key is never
 * shown again by the platform, so this error carries it to wherever it can be kept.
 */
export class BootstrapRescueError extends UserError {
  override readonly name = 'BootstrapRescueError';
  readonly simId: string;
  /** Where arc.json stands instead; undefined when no file could be written at all. */
  readonly rescuePath: string | undefined;
  /** The text of arc.json when it stands nowhere: the command prints it to standard output. */
  readonly arcJson: Secret<string> | undefined;

  constructor(
    simId: string,
    text: { what: string; why: string; next: readonly string[] },
    kept: { rescuePath: string } | { arcJson: Secret<string> },
    options?: ErrorOptions,
  ) {
    super('failed', text, options);
    this.simId = simId;
    this.rescuePath = 'rescuePath' in kept ? kept.rescuePath : undefined;
    this.arcJson = 'arcJson' in kept ? kept.arcJson : undefined;
  }
}

/** Where things go, and what to say when they cannot go there. */
export interface WritePlan {
  readonly path: string;
  /** The folder for when `path` cannot be written. */
  readonly rescueFolder: string;
  /** Whether a file at `path` is one that this run has read and writes over. */
  readonly replace: boolean;
  /** What has happened already, as a clause: `SIM 8942… was created`. */
  readonly done: string;
  /** What not to do now, as a sentence. */
  readonly warning: string;
}

/**
 * Writes the arc.json of a SIM that was just created or given a new key, or keeps it elsewhere.
 * @throws BootstrapRescueError whenever it does not stand at `path` in the end
 */
export async function keepArcConfig(
  files: Files,
  config: ArcConfig,
  plan: WritePlan,
): Promise<void> {
  const text = formatArcConfig(config);
  try {
    if (!plan.replace) await proveStillAbsent(files, plan.path);
    await files.replaceText(plan.path, text);
  } catch (error) {
    throw await rescue(files, config.simId, text, plan, error);
  }
}

/** Another run may have been as fast as this one; its file holds a key that is told once, too. */
export async function proveStillAbsent(files: Files, path: string): Promise<void> {
  try {
    await files.readText(path);
  } catch (error) {
    if (error instanceof FileError && error.failure === 'absent') return;
    throw error;
  }
  throw new FileError('failed', path, 'a file has appeared there meanwhile');
}

const RESCUE_NAME = /^arc\.json\.\w*\.rescue$/;

/** The path of an arc.json that an earlier run has kept in the rescue folder. */
export async function findRescued(files: Files, folder: string): Promise<string | undefined> {
  const names = await files.list(folder).catch(() => []);
  const name = names.find((candidate) => RESCUE_NAME.test(candidate));
  return name === undefined ? undefined : files.absolute(`${folder}/${name}`);
}

async function rescue(
  files: Files,
  simId: string,
  text: string,
  { path, rescueFolder, done, warning }: WritePlan,
  error: unknown,
): Promise<BootstrapRescueError> {
  const what = `${done}, but ${files.absolute(path)} could not be written`;
  const why = reasonOf(error);
  // The id comes from outside and goes into a file name.
  const name = `arc.json.${simId.replaceAll(/[^0-9A-Za-z]/g, '_')}.rescue`;
  const rescuePath = files.absolute(`${rescueFolder}/${name}`);
  try {
    await files.createFolder(rescueFolder);
    await files.replaceText(rescuePath, text);
  } catch (second) {
    const next = [
      'Its arc.json follows on standard output: keep it. The private key is not shown again.',
      warning,
    ];
    const both = `${why}; ${rescuePath}: ${reasonOf(second)}`;
    const kept = { arcJson: new Secret(text) };
    return new BootstrapRescueError(simId, { what, why: both, next }, kept, { cause: error });
  }
  const next = [`Its arc.json is in ${rescuePath}: move it to where it belongs.`, warning];
  return new BootstrapRescueError(simId, { what, why, next }, { rescuePath }, { cause: error });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
