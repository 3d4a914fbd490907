import { showConfig } from '../../src/app/config/show-config.js';
import { harmlessJson } from '../../src/lib/text/harmless-text.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { renderJson } from '../../src/cli/output/render.js';

export default class Config extends BaseCommand {
  static override description =
    'Print the configuration with secrets hidden.\nPrints a template if arc.json does not exist.';
  static override examples = ['<%= config.bin %> <%= command.id %> --config arc.json'];

  static override flags = {
    json: Flags.boolean({ description: 'Print the configuration as one line of JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Config);
    const text = await showConfig(flags.config, await this.context.files(), this.context.platform);
    if (flags.json) this.write(renderJson(JSON.parse(text)));
    else this.write(text.split('\n').map(harmlessJson).join('\n'));
  }
}
