import { BaseCommand } from '../src/cli/base-command.js';
import { oclifFlags } from '../src/cli/flags/oclif-flags.js';
import { versionCommand, versionLine } from '../src/cli/run/run-version.js';

export default class Version extends BaseCommand {
  static override description = versionCommand.description;
  static override hiddenAliases = versionCommand.hiddenAliases;
  static override examples = versionCommand.examples;
  static override flags = oclifFlags(versionCommand.flags);

  async run(): Promise<void> {
    await this.parse(Version);
    this.write(versionLine(this.config.version));
  }
}
