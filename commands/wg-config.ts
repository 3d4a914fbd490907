import { exportWgConfig } from '../src/app/export-wg-config.js';
import { BaseCommand } from '../src/cli/base-command.js';

export default class WgConfig extends BaseCommand {
  static override description =
    'Print the configuration for wg-quick, with the private key in clear.';
  static override examples = ['<%= config.bin %> <%= command.id %> > soratun0.conf'];

  async run(): Promise<void> {
    const { flags } = await this.parse(WgConfig);
    const ports = { files: await this.context.files(), resolver: await this.context.resolver() };
    this.write(await exportWgConfig(flags.config, ports));
  }
}
