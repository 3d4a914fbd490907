import { fileURLToPath } from 'node:url';

/** Returns the command that belongs to a bundle in dist/action, with the same Node. */
export function ownCommand(bundle: string): readonly string[] {
  return [process.execPath, fileURLToPath(new URL('../../bin/run.js', bundle))];
}
