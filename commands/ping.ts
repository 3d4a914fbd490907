import * as Args from '@oclif/core/args';

import { BaseCommand } from '../src/cli/base-command.js';
import { pingFlags, runPing } from '../src/cli/run/probe/run-ping.js';

export default class Ping extends BaseCommand {
  static override description =
    'Ping a host inside the tunnel.\nThe command uses the tunnel of a running "arctun up". Without one, it opens a tunnel until it ends. Exits with code 0 if at least one reply arrived, and with 1 if none did.';
  static override examples = [
    'arctun ping pong.soracom.io',
    'arctun ping -c 0 100.127.100.127',
    'arctun ping -q -c 10 -i 0.2 pong.soracom.io',
  ];
  static override args = {
    host: Args.string({
      description: 'IP address, or name to look up inside the tunnel.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = pingFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Ping);
    const code = await runPing(flags, args.host, this.context);
    if (code !== 0) this.exit(code);
  }
}
