import * as Args from '@oclif/core/args';

import { importConfig } from '../../src/app/config/import-config.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { oclifFlags } from '../../src/cli/flags/oclif-flags.js';
import { renderJson } from '../../src/cli/output/render.js';

export default class ConfigImport extends BaseCommand {
  static override description =
    'Write arc.json from a WireGuard configuration, and tell what it cannot hold.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> soracom.conf --config arc.json',
    '<%= config.bin %> <%= command.id %> - < soracom.conf',
  ];
  static override args = {
    file: Args.string({
      description: 'The configuration as wg-quick reads it; - is standard input.',
      required: true,
    }),
  };
  static override flags = oclifFlags({
    force: { type: 'boolean', description: 'Replace an arc.json that is there.' },
    'sim-id': {
      type: 'string',
      description: 'The id of the virtual SIM, which the WireGuard configuration does not tell.',
      default: '',
    },
    'ignore-unsupported': {
      type: 'boolean',
      description:
        "Drop what arc.json cannot hold, though the tunnel may not work without it, and skip wireproxy's sections.",
    },
    json: { type: 'boolean', description: 'Print what was written and what was lost as JSON.' },
  });

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
