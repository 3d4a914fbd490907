import { Flags } from '@oclif/core';

import { checkHealth } from '../src/app/check-health.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { healthCode, healthLine } from '../src/cli/health-line.js';
import { renderJson } from '../src/cli/render.js';

export default class Health extends BaseCommand {
  static override description =
    'Ask the running "up" whether its tunnel is well: exit code 0 where it is, 5 where it is not, 1 where none runs.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --interface soratun0',
  ];
  static override flags = {
    interface: Flags.string({
      description: 'Which tunnel, as "status" calls it, where there are several.',
      helpValue: 'NAME',
      env: 'ARCTUN_INTERFACE',
    }),
    json: Flags.boolean({ description: 'Print JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Health);
    const options = { folders: this.context.runFolders(), name: flags.interface };
    const answer = await checkHealth(options, await this.context.localConnections());
    this.write(flags.json ? renderJson(answer) : healthLine(answer));
    this.exit(healthCode(answer));
  }
}
