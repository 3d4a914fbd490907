/** What all commands share: the context, `--config`, output and the way that errors end a run. */
import { Command, Flags } from '@oclif/core';

import { StoppedError } from '../lib/stopped-error.js';
import { UserError } from '../lib/user-error.js';
import { type Context, createContext } from './context.js';
import { EXIT_CODES } from './exit-codes.js';
import { renderText, renderUserError } from './render.js';
import { isAbandonedQuestion } from './wizard.js';

/** As a shell has it for a program that SIGINT ended. */
const INTERRUPTED = 130;

export abstract class BaseCommand extends Command {
  static override baseFlags = {
    config: Flags.string({
      description: 'Path of arc.json; in the environment also its JSON or base64 text.',
      default: 'arc.json',
      helpValue: 'FILE',
      env: 'ARCTUN_CONFIG',
      helpGroup: 'GLOBAL',
    }),
  };

  protected readonly context: Context = createContext(this.config.version);

  /** Writes a result to standard output as it is. */
  protected write(text: string | Uint8Array): void {
    process.stdout.write(text);
  }

  /** Writes a line for people to standard error. */
  protected note(line: string): void {
    process.stderr.write(renderText(`${line}\n`));
  }

  protected override catch(error: Error): Promise<unknown> {
    if (isAbandonedQuestion(error)) {
      this.note('Stopped at a question. Nothing was created or changed.');
      this.exit(INTERRUPTED);
    }
    if (!(error instanceof UserError)) return super.catch(error);
    process.stderr.write(renderUserError(error));
    this.exit(error instanceof StoppedError ? error.exitCode : EXIT_CODES[error.kind]);
  }
}
