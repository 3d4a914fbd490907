/**
 * The process inside the namespaces of `exec --netns`. It is not a command of oclif, because loading
 * oclif would delay the program.
 */
import { runInside } from '../app/access/run-inside.js';
import { UserError } from '../lib/errors/user-error.js';
import { createContext } from './context.js';
import { exitCodeOf } from './errors/exit-codes.js';
import { renderUserError } from './output/render.js';

/** @param words the socket of the process outside, `--`, the program and its arguments */
export async function inside([socket = '', , ...command]: readonly string[]): Promise<void> {
  // The version is empty, because only the process outside uses it.
  const context = createContext('');
  try {
    process.exit(await runInside(socket, command, await context.insidePorts()));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(renderUserError(error));
    process.exit(exitCodeOf(error));
  }
}
