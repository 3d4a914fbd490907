import { BaseCommand } from '../src/cli/base-command.js';
import * as Flags from '../src/cli/flags/flag.js';
import { renderJson } from '../src/cli/output/render.js';

export default class Version extends BaseCommand {
  static override description = 'Print the version as JSON.';
  static override hiddenAliases = ['v'];
  static override examples = ['arctun version'];
  static override flags = {
    json: Flags.boolean({ description: 'Print the version as JSON (the default).' }),
  };

  /** Always prints JSON, because scripts parse soratun's output, which is JSON. */
  async run(): Promise<void> {
    await this.parse(Version);
    this.write(renderJson({ revision: '', version: this.config.version }));
  }
}
