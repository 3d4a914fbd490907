/** The base class of all commands: context, global flags, output and error handling. */
import type { Interfaces } from '@oclif/core';
import { Command } from '@oclif/core/command';

import { UserError } from '../lib/errors/user-error.js';
import { globalFlags } from './flags/config-flags.js';
import { type Context, createContext } from './context.js';
import { exitCodeOf } from './errors/exit-codes.js';
import { shownError } from './errors/oclif-error.js';
import { type Output, standardOutput } from './output/output.js';
import { renderUserError } from './output/render.js';
import { systemFailure } from './errors/system-error.js';
import { refusedSwitch, type UsageContext, usageError } from './errors/usage-error.js';
import { nameSources } from './errors/value-source.js';
import { isAbandonedQuestion } from './run/wizard.js';

/** The exit code that a shell reports for a program that SIGINT has ended. */
const INTERRUPTED = 130;

export abstract class BaseCommand extends Command {
  static override baseFlags = globalFlags;

  protected readonly context: Context = createContext(this.config.version);
  protected readonly output: Output = standardOutput;

  protected override async init(): Promise<void> {
    await super.init();
    const refused = refusedSwitch(this.usage());
    if (refused !== undefined) throw refused;
  }

  protected override async parse<
    F extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    B extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >(options: Interfaces.Input<F, B, A>): Promise<Interfaces.ParserOutput<F, B, A>> {
    const parsed = await super.parse<F, B, A>(options);
    // From the variable of a repeatable flag, oclif reads one value instead of a list.
    const flags: Record<string, unknown> = parsed.flags;
    for (const [name, flag] of Object.entries(this.usage().flags)) {
      if (flag.multiple && typeof flags[name] === 'string') flags[name] = [flags[name]];
    }
    return parsed;
  }

  protected write(text: string | Uint8Array): void {
    this.output.write(text);
  }

  protected note(line: string): void {
    this.output.note(line);
  }

  protected override catch(error: Error): Promise<unknown> {
    if (isAbandonedQuestion(error)) {
      this.note('Cancelled at a prompt. Nothing was created or changed.');
      this.exit(INTERRUPTED);
    }
    const known =
      error instanceof UserError
        ? error
        : (usageError(error, this.usage()) ?? systemFailure(error));
    if (known === undefined) return super.catch(shownError(error) as Error);
    nameSources(known, this.usage());
    process.stderr.write(renderUserError(known));
    this.exit(exitCodeOf(known));
  }

  private usage(): UsageContext {
    const { flags, baseFlags } = this.ctor;
    return {
      command: (this.id ?? '').replaceAll(':', ' '),
      flags: { ...baseFlags, ...flags },
      words: this.argv,
      env: this.context.env,
    };
  }
}
