import { validateConfig } from '../../src/app/validate-config.js';
import { BaseCommand } from '../../src/cli/base-command.js';

export default class ConfigValidate extends BaseCommand {
  static override description = 'Check the configuration; exit 3 with every fault.';
  static override examples = ['<%= config.bin %> <%= command.id %> --config arc.json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigValidate);
    const warnings = await validateConfig(flags.config, {
      files: await this.context.files(),
      publicKeyOf: await this.context.publicKeyOf(),
    });
    for (const warning of warnings) this.note(`Warning: ${warning}`);
    this.write('valid\n');
  }
}
