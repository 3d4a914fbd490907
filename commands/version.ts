import { BaseCommand } from '../src/cli/base-command.js';
import { renderJson } from '../src/cli/render.js';

export default class Version extends BaseCommand {
  static override description = 'Print the version as JSON.';
  static override hiddenAliases = ['v'];
  static override examples = ['<%= config.bin %> <%= command.id %>'];

  async run(): Promise<void> {
    await this.parse(Version);
    this.write(renderJson({ revision: '', version: this.config.version }));
  }
}
