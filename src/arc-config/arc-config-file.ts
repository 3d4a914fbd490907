import { fileFaultKind } from '../lib/errors/file-fault.js';
import { UserError } from '../lib/errors/user-error.js';
import { commandFor } from '../lib/text/config-name.js';
import type { ArcConfig } from './arc-config.js';
import { FileError, type FileFailure, type Files, type InspectedText } from '../ports/files.js';
import { formatArcConfig } from './format-arc-config.js';
import { parseArcConfig } from './parse-arc-config.js';

/**
 * @throws ArcConfigError if the file has faults
 * @throws UserError of kind `configuration` (file not found), `permission` or `failed`
 */
export async function readArcConfig(files: Files, path: string): Promise<ArcConfig> {
  return parseArcConfig(await readConfigFile(files, path), { path });
}

/** @throws UserError of kind `configuration` (file not found), `permission` or `failed` */
export async function readConfigFile(files: Files, path: string): Promise<string> {
  return readable(files, path, () => files.readText(path));
}

/** Reads the file like `readConfigFile`, and reports which other users can access it. */
export async function inspectConfigFile(files: Files, path: string): Promise<InspectedText> {
  return readable(files, path, () => files.inspectText(path));
}

async function readable<T>(files: Files, path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof FileError ? readFailure(error, files.absolute(path), path) : error;
  }
}

/**
 * Reads a file; undefined if it is absent.
 * @param absent the failures that mean that the file is absent
 * @throws UserError for any other failure
 */
export async function readIfPresent(
  files: Files,
  path: string,
  absent: readonly FileFailure[],
): Promise<string | undefined> {
  try {
    return await files.readText(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (absent.includes(error.failure)) return undefined;
    throw readFailure(error, files.absolute(path), path);
  }
}

/**
 * Writes arc.json atomically, with mode 0600.
 * @throws UserError of kind `configuration` (folder not found), `permission` or `failed`
 */
export async function writeArcConfig(files: Files, path: string, config: ArcConfig): Promise<void> {
  try {
    await files.replaceText(path, formatArcConfig(config));
  } catch (error) {
    throw error instanceof FileError ? writeFailure(error, files.absolute(path)) : error;
  }
}

/**
 * Builds the error for a file that cannot be read, with advice.
 *
 * @param config the value of `--config` for the suggested command
 */
export function readFailure(error: FileError, path: string, config: string): UserError {
  const create = `Create the file with \`${commandFor('bootstrap authkey', config)}\`, or choose another one with --config.`;
  const next = {
    absent: [create],
    'no-folder': [create],
    'is-folder': ['Choose a file with --config.'],
    denied: ['Run as the user who owns the file, or let this user read it.'],
    'not-text': ['Save the file as UTF-8, without a byte order mark.'],
    failed: [],
  }[error.failure];
  return fileFailure(error, { what: `cannot read ${path}`, next });
}

/** Builds the error for a file that cannot be written, with advice. */
export function writeFailure(error: FileError, path: string): UserError {
  const next = {
    absent: ['Choose another file with --config.'],
    'no-folder': ['Create the folder first, or choose another file with --config.'],
    'is-folder': ['Choose a file with --config.'],
    denied: [
      'Run as the user who owns the file and its folder, or choose another file with --config.',
    ],
    'not-text': [],
    failed: [
      'Fix the cause, for example by freeing disk space, or choose another file with --config.',
    ],
  }[error.failure];
  return fileFailure(error, { what: `cannot write ${path}`, next });
}

/**
 * Runs an action on a file that the user has specified. @throws UserError with `text` for a
 * FileError
 */
export async function explainingFile<T>(
  text: { what: string; next: string[] },
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw error instanceof FileError ? fileFailure(error, text) : error;
  }
}

/** Converts a FileError to a UserError of the matching kind. */
function fileFailure(error: FileError, text: { what: string; next: string[] }): UserError {
  return new UserError(fileFaultKind(error), { ...text, why: error.message, cause: error });
}
