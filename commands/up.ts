import { BaseCommand } from '../src/cli/base-command.js';
import { oclifFlags } from '../src/cli/flags/oclif-flags.js';
import { runUp, upCommand } from '../src/cli/run/run-up.js';

export default class Up extends BaseCommand {
  static override description = upCommand.description;
  static override hiddenAliases = upCommand.hiddenAliases;
  static override examples = upCommand.examples;
  static override flags = oclifFlags(upCommand.flags);

  async run(): Promise<void> {
    const { flags, raw } = await this.parse(Up);
    const { context, output } = this;
    await runUp({ flags, tokens: raw }, { context, output, version: this.config.version });
  }
}
