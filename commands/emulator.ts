import { Flags } from '@oclif/core';

import { BaseCommand } from '../src/cli/base-command.js';
import { logFlags } from '../src/cli/log-flags.js';
import { runEmulator } from '../src/cli/run-emulator.js';
import { renderJson } from '../src/cli/render.js';

export default class Emulator extends BaseCommand {
  static override description =
    'Run the SORACOM platform on this machine: the API, the Arc side and the services behind it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --api-listen 127.0.0.1:0 --arc-listen 127.0.0.1:0 --json',
  ];
  static override flags = {
    'api-listen': Flags.string({
      description: 'Where the SORACOM API listens; port 0 takes any free one.',
      default: '127.0.0.1:18080',
    }),
    'arc-listen': Flags.string({
      description: 'Where the Arc side listens for WireGuard, over UDP; port 0 takes any free one.',
      default: '127.0.0.1:11010',
    }),
    ...logFlags('warn'),
    json: Flags.boolean({ description: 'Print one line of JSON when ready.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Emulator);
    const log = await this.context.log({ level: flags['log-level'], format: flags['log-format'] });
    await runEmulator(
      {
        apiListen: flags['api-listen'],
        arcListen: flags['arc-listen'],
        signal: await this.context.stopSignal(),
        onReady: (ready) => {
          if (flags.json) this.write(renderJson(ready));
          else {
            this.write(`SORACOM API: ${ready.api}\nArc server: ${ready.arc} (UDP)\n`);
            this.write(`Auth key: ${ready.authKeyId} / ${ready.authKey}\n`);
          }
        },
      },
      await this.context.tunnelPorts(log),
    );
  }
}
