import { BaseCommand } from '../src/cli/base-command.js';
import { oclifFlags } from '../src/cli/flags/oclif-flags.js';
import { healthCommand, runHealth } from '../src/cli/run/run-health.js';

export default class Health extends BaseCommand {
  static override description = healthCommand.description;
  static override examples = healthCommand.examples;
  static override flags = oclifFlags(healthCommand.flags);

  async run(): Promise<void> {
    const { flags } = await this.parse(Health);
    this.exit(await runHealth(flags, this.context, this.output));
  }
}
