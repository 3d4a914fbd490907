/** Saves a SIM's arc.json in the state folder, or prints it, if `path` cannot be written. */
import { formatArcConfig } from '../../arc-config/format-arc-config.js';
import type { ArcConfig } from '../../arc-config/arc-config.js';
import { FileError, type Files } from '../../ports/files.js';
import { messageOf } from '../../lib/errors/error-message.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError, type UserErrorText } from '../../lib/errors/user-error.js';

/**
 * The error for a SIM whose new key could not be written to the path of its arc.json. SORACOM never
 * shows the private key again, so this error contains the key until it is saved.
 */
export class BootstrapRescueError extends UserError {
  override readonly name = 'BootstrapRescueError';
  readonly simId: string;
  /** Path of the rescued arc.json; undefined if no file could be written. */
  readonly rescuePath: string | undefined;
  /** The content of arc.json, to print to standard output if no file could be written. */
  readonly arcJson: Secret<string> | undefined;

  constructor(
    simId: string,
    text: UserErrorText,
    kept: { rescuePath: string } | { arcJson: Secret<string> },
  ) {
    super('failed', text);
    this.simId = simId;
    this.rescuePath = 'rescuePath' in kept ? kept.rescuePath : undefined;
    this.arcJson = 'arcJson' in kept ? kept.arcJson : undefined;
  }
}

/** Where to write arc.json, and what the error says if writing fails. */
export interface WritePlan {
  readonly path: string;
  /** The folder to use if `path` cannot be written. */
  readonly rescueFolder: string;
  /** Whether this run has read the file at `path` and may replace it. */
  readonly replace: boolean;
  /** What this run has already done, as a clause, such as `SIM 8942… was created`. */
  readonly done: string;
  /** What the user must know before another run, as a sentence. */
  readonly warning: string;
}

/**
 * Writes the arc.json of a SIM that was just created or given a new key, or saves it elsewhere.
 * @throws BootstrapRescueError if arc.json could not be written to `path`
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

/** Fails if the file exists, because a concurrent run may have written a new key to it. */
export async function proveStillAbsent(files: Files, path: string): Promise<void> {
  try {
    await files.readText(path);
  } catch (error) {
    if (error instanceof FileError && error.failure === 'absent') return;
    throw error;
  }
  throw new FileError('failed', path, 'another process has just created this file');
}

/**
 * The maximum number of characters of the target path in the file name, because file systems limit
 * its length.
 */
const LONGEST_TARGET = 150;

/** Returns the file name suffix that identifies the rescued files of this target. */
function rescueSuffix(target: string): string {
  return `.${encodeURIComponent(target).slice(-LONGEST_TARGET)}.rescue`;
}

/**
 * Refuses to run until the user has moved or deleted the rescued file.
 * @throws UserError if a rescued file for this target exists
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
    what: 'cannot bootstrap',
    why: `an earlier run could not write its arc.json and saved it in ${rescued}`,
    next: [
      'Nothing was created or changed.',
      'Move that file to where you need it, or delete it if you do not need its SIM. Then retry.',
    ],
  });
}

/** The commands print an arc.json that could not be written; the library returns it in the error. */
export const SAVE_PRINTED = 'Save the arc.json that was printed to standard output';

async function rescue(
  files: Files,
  simId: string,
  text: string,
  { path, rescueFolder, done, warning }: WritePlan,
  error: unknown,
): Promise<BootstrapRescueError> {
  const what = `${done}, but ${files.absolute(path)} could not be written`;
  const why = messageOf(error);
  // Replace special characters, because external input becomes part of a file name.
  const ofSim = `arc.json.${simId.replaceAll(/[^0-9A-Za-z]/g, '_')}`;
  const name = ofSim + rescueSuffix(files.absolute(path));
  const rescuePath = files.absolute(`${rescueFolder}/${name}`);
  try {
    await files.createFolder(rescueFolder);
    await files.replaceText(rescuePath, text);
  } catch (second) {
    const next = [`${SAVE_PRINTED}: SORACOM will not show the private key again.`, warning];
    const both = `${why}; ${rescuePath}: ${messageOf(second)}`;
    const kept = { arcJson: new Secret(text) };
    return new BootstrapRescueError(simId, { what, why: both, next, cause: error }, kept);
  }
  const next = [`Move the arc.json of this SIM from ${rescuePath} to where you need it.`, warning];
  return new BootstrapRescueError(simId, { what, why, next, cause: error }, { rescuePath });
}
