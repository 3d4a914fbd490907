import { skeletonText } from '../../src/app/show-config.js';
import { BaseCommand } from '../../src/cli/base-command.js';

export default class ConfigInit extends BaseCommand {
  static override description = 'Print a skeleton of arc.json to fill in.';
  static override examples = ['<%= config.bin %> <%= command.id %> > arc.json'];

  async run(): Promise<void> {
    await this.parse(ConfigInit);
    this.write(skeletonText(this.context.platform));
  }
}
