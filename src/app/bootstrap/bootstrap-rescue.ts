/** Keeps the arc.json of a SIM that exists, if its file cannot be written: in the state folder, else on standard output. */
import { formatArcConfig } from '../../arc-config/format-arc-config.js';
import type { ArcConfig } from '../../arc-config/arc-config.js';
import { FileError, type Files } from '../../ports/files.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/errors/user-error.js';

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

/** Characters of the target that the name has, so that the system takes it. */
const LONGEST_TARGET = 150;

/** What a rescued file of this target is named by at its end. */
function rescueSuffix(target: string): string {
  return `.${encodeURIComponent(target).slice(-LONGEST_TARGET)}.rescue`;
}

/**
 * The user's word here is to move the rescued file, or to delete it.
 * @throws UserError while there is one
 */
export async function refuseWhileRescued(
  files: Files,
  path: string,
  stateFolder: string,
): Promise<void> {
  const names = await files.list(stateFolder).catch(() => []);
  const suffix = rescueSuffix(files.absolute(path));
  const name = names.find((candidate) => candidate.endsWith(suffix));
  if (name === undefined) return;
  const rescued = files.absolute(`${stateFolder}/${name}`);
  throw new UserError('failed', {
    what: 'nothing was created or changed',
    why: `an earlier run has kept the arc.json of a SIM in ${rescued}, as its own place could not be written`,
    next: ['Move it to where it belongs, or delete it if its SIM is of no use; then run again.'],
  });
}

async function rescue(
  files: Files,
  simId: string,
  text: string,
  { path, rescueFolder, done, warning }: WritePlan,
  error: unknown,
): Promise<BootstrapRescueError> {
  const what = `${done}, but ${files.absolute(path)} could not be written`;
  const why = messageOf(error);
  // The id comes from outside and goes into a file name.
  const ofSim = `arc.json.${simId.replaceAll(/[^0-9A-Za-z]/g, '_')}`;
  const name = ofSim + rescueSuffix(files.absolute(path));
  const rescuePath = files.absolute(`${rescueFolder}/${name}`);
  try {
    await files.createFolder(rescueFolder);
    await files.replaceText(rescuePath, text);
  } catch (second) {
    const next = [
      'Its arc.json follows on standard output: keep it. The private key is not shown again.',
      warning,
    ];
    const both = `${why}; ${rescuePath}: ${messageOf(second)}`;
    const kept = { arcJson: new Secret(text) };
    return new BootstrapRescueError(simId, { what, why: both, next }, kept, { cause: error });
  }
  const next = [`Its arc.json is in ${rescuePath}: move it to where it belongs.`, warning];
  return new BootstrapRescueError(simId, { what, why, next }, { rescuePath }, { cause: error });
}
