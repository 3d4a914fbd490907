import { Flags } from '@oclif/core';

import { BaseCommand } from '../src/cli/base-command.js';
import { renderJson } from '../src/cli/render.js';

export default class Version extends BaseCommand {
  static override description = 'Print the version as JSON.';
  static override hiddenAliases = ['v'];
  static override examples = ['<%= config.bin %> <%= command.id %>'];
  static override flags = {
    json: Flags.boolean({ description: 'Print JSON, which is what is printed without it, too.' }),
  };

  async run(): Promise<void> {
    await this.parse(Version);
    // Scripts take soratun's line apart: no other form stands in its place without being asked for.
    this.write(renderJson({ revision: '', version: this.config.version }));
  }
}
