import { BaseCommand } from '../src/cli/base-command.js';
import { oclifArguments, oclifFlags } from '../src/cli/flags/oclif-flags.js';
import { runStatus, statusCommand } from '../src/cli/run/run-status.js';
import { watchSeconds } from '../src/cli/flags/watch-seconds.js';

export default class Status extends BaseCommand {
  static override description = statusCommand.description;
  static override hiddenAliases = statusCommand.hiddenAliases;
  static override examples = statusCommand.examples;
  static override args = oclifArguments(statusCommand.args);
  static override flags = oclifFlags(statusCommand.flags);

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Status);
    const code = await runStatus(
      { ...flags, seconds: watchSeconds(args.seconds) },
      this.context,
      (line) => this.note(line),
    );
    this.exit(code);
  }
}
