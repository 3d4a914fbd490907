/** Runs oclif commands from the bundle, which also contains oclif's package data. */
import { Config } from '@oclif/core/config';
import { flush } from '@oclif/core/flush';
import { handle } from '@oclif/core/handle';

import { exitCodeOf } from '../cli/errors/exit-codes.js';
import { shownError } from '../cli/errors/oclif-error.js';
import { renderUserError } from '../cli/output/render.js';
import { UserError } from '../lib/errors/user-error.js';
import { CommandLineHelp } from './help.js';
import { createPlugin } from './plugin.js';
import { readWords } from './read-words.js';

/** @param words the command line, without the program's name */
export async function runCommandLine(words: string[]): Promise<void> {
  failOnFullDisk();
  ignoreLostMessages();
  try {
    const config = new Config({ root: '/', plugins: new Map([['arctun', createPlugin()]]) });
    await config.load();
    await run(words, config);
    await flush();
  } catch (error) {
    if (error instanceof UserError) {
      process.stderr.write(renderUserError(error));
      process.exit(exitCodeOf(error));
    }
    await handle(shownError(error) as Error);
  }
}

async function run(words: readonly string[], config: Config): Promise<void> {
  const reading = readWords(words, config);
  switch (reading.kind) {
    case 'version':
      process.stdout.write(`${config.userAgent}\n`);
      return;
    case 'help': {
      const help = new CommandLineHelp(config, config.pjson.oclif.helpOptions);
      await help.showHelp(reading.id === undefined ? [] : [reading.id]);
      return;
    }
    case 'command':
      await config.runCommand(reading.id, reading.words);
  }
}

/**
 * Exits if the disk is full, but ignores a reader that closed the pipe (`| head`). This listener
 * runs before oclif's listener, which throws.
 */
function failOnFullDisk(): void {
  process.stdout.prependListener('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') return;
    process.stderr.write(`Error: cannot write to standard output: ${message}\n`);
    process.exit(1);
  });
}

/**
 * Ignores that a message cannot be written, because the reader of standard error, such as `tee`, has
 * ended, the terminal was closed, or the disk is full. Otherwise the message would end a command that
 * must still save a key or clean up.
 */
function ignoreLostMessages(): void {
  process.stderr.on('error', () => undefined);
}
