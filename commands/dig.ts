import * as Args from '@oclif/core/args';

import { BaseCommand } from '../src/cli/base-command.js';
import { digFlags, runDig } from '../src/cli/run/probe/run-dig.js';

export default class Dig extends BaseCommand {
  static override description =
    'Look up a name with the name servers inside the tunnel.\nThe command uses the tunnel of a running "arctun up". Without one, it opens a tunnel until it ends. Exits with code 0 if a name server responded, even if the name does not exist, and with 5 if none did.';
  static override examples = [
    'arctun dig pong.soracom.io',
    'arctun dig --short soracom.io MX',
    'arctun dig -x 100.127.69.42',
  ];
  static override args = {
    name: Args.string({ description: 'Name to look up.', required: true, ignoreStdin: true }),
    type: Args.string({ description: 'Record type; A by default.', ignoreStdin: true }),
  };
  static override flags = digFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Dig);
    const words = { name: args.name, type: args.type };
    await runDig(flags, words, this.context, this.output);
  }
}
