/** Runs a command by oclif, whose package and commands are in this program instead of in files. */
import { Config } from '@oclif/core/config';
import { flush } from '@oclif/core/flush';
import { handle } from '@oclif/core/handle';
import { run } from '@oclif/core/run';

import { shownError } from '../cli/oclif-error.js';
import { createPlugin } from './plugin.js';

/** @param words the command line, without the program */
export async function runCommandLine(words: string[]): Promise<void> {
  failOnFullDisk();
  try {
    const config = new Config({ root: '/', plugins: new Map([['arctun', createPlugin()]]) });
    await config.load();
    await run(words, config);
    await flush();
  } catch (error) {
    // oclif quotes a command that it does not know, which can be a key that was pasted.
    await handle(shownError(error) as Error);
  }
}

/**
 * A reader that has closed the pipe (`| head`) is no error; a full disk is one. Runs before oclif's own
 * listener, which throws.
 */
function failOnFullDisk(): void {
  process.stdout.prependListener('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    process.stderr.write(`Error: cannot write to standard output: ${message}\n`);
    process.exit(1);
  });
}
