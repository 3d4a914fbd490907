import * as Args from '@oclif/core/args';

import { BaseCommand } from '../src/cli/base-command.js';
import { connectFlags, runConnect } from '../src/cli/run/access/run-connect.js';

export default class Connect extends BaseCommand {
  static override description =
    'Connect standard input and output to a TCP port inside the tunnel, as ssh -W and nc do.\nThe command uses the tunnel of a running "arctun up". Without one, it opens a tunnel until the connection ends.';
  static override examples = [
    `ssh -o ProxyCommand='arctun connect %h %p' pi@10.0.0.3`,
    'arctun connect 10.0.0.3:5432',
  ];
  static override args = {
    host: Args.string({
      description: 'Host inside the tunnel, or HOST:PORT.',
      required: true,
      // Otherwise oclif would read standard input, which belongs to the connection.
      ignoreStdin: true,
    }),
    port: Args.string({ description: 'Port, unless HOST contains it.', ignoreStdin: true }),
  };
  static override flags = connectFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Connect);
    const code = await runConnect(flags, args, this.context);
    if (code !== 0) this.exit(code);
  }
}
