import * as Args from '@oclif/core/args';

import { importConfig } from '../../src/app/config/import-config.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { renderJson } from '../../src/cli/output/render.js';

export default class ConfigImport extends BaseCommand {
  static override description =
    'Convert a WireGuard configuration to arc.json, and report settings that cannot be converted.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> soracom.conf --config arc.json',
    '<%= config.bin %> <%= command.id %> - < soracom.conf',
  ];
  static override args = {
    file: Args.string({
      description: 'WireGuard configuration in wg-quick format, or - for standard input.',
      required: true,
    }),
  };
  static override flags = {
    force: Flags.boolean({ description: 'Overwrite an existing arc.json.' }),
    'sim-id': Flags.text({
      description:
        'ID of the virtual SIM. Required, because a WireGuard configuration does not contain this ID.',
      helpValue: 'SIM_ID',
      default: '',
    }),
    'ignore-unsupported': Flags.boolean({
      description:
        'Skip wireproxy sections, and drop settings that cannot be converted, even if the tunnel may need them.',
    }),
    json: Flags.boolean({ description: 'Print the imported and dropped settings as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConfigImport);
    const { path, source, notes } = await importConfig(
      {
        file: args.file,
        target: flags.config,
        simId: flags['sim-id'],
        force: flags.force,
        ignoreUnsupported: flags['ignore-unsupported'],
      },
      {
        files: await this.context.files(),
        readStdin: () => this.context.readStdin(),
        publicKeyOf: await this.context.publicKeyOf(),
        platform: this.context.platform,
      },
    );
    for (const { line, key, message } of notes) {
      this.note(`${source}, line ${line}, ${key}: ${message}`);
    }
    if (flags.json) this.write(renderJson({ path, notes }));
    else this.write(`Created/updated configuration file: ${path}\n`);
  }
}
