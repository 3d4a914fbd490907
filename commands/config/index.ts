import { showConfig } from '../../src/app/show-config.js';
import { harmlessJson } from '../../src/lib/harmless-text.js';
import { BaseCommand } from '../../src/cli/base-command.js';

export default class Config extends BaseCommand {
  static override description =
    'Print the configuration with its secrets hidden; without a file, a skeleton to fill in.';
  static override examples = ['<%= config.bin %> <%= command.id %> --config arc.json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(Config);
    const text = await showConfig(flags.config, await this.context.files(), this.context.platform);
    this.write(text.split('\n').map(harmlessJson).join('\n'));
  }
}
