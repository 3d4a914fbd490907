import { skeletonText } from '../../src/app/config/show-config.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { refuseOutputFile } from '../../src/cli/flags/config-flags.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { renderJson } from '../../src/cli/output/render.js';

export default class ConfigInit extends BaseCommand {
  static override description =
    'Print an arc.json template to fill in.\nTo create a file, redirect standard output. --config is not accepted.';
  static override examples = ['<%= config.bin %> <%= command.id %> > arc.json'];

  static override flags = {
    json: Flags.boolean({ description: 'Print the template as one line of JSON.' }),
  };

  async run(): Promise<void> {
    const { flags, raw } = await this.parse(ConfigInit);
    refuseOutputFile(raw);
    const text = skeletonText(this.context.platform);
    this.write(flags.json ? renderJson(JSON.parse(text)) : text);
  }
}
