import * as Args from '@oclif/core/args';

import { BaseCommand } from '../src/cli/base-command.js';
import { runSend, sendFlags } from '../src/cli/run/messages/run-send.js';

export default class Send extends BaseCommand {
  static override description =
    'Send one message to the Unified Endpoint, print the response and close the tunnel.';
  static override examples = [
    `arctun send '{"temperature": 21.5}'`,
    `echo hello | arctun send --content-type text/plain`,
    'arctun send --via udp 21.5',
  ];
  static override args = {
    message: Args.string({
      description: 'Message to send; read from --file or standard input if omitted.',
      // Otherwise oclif would use text that arrives on standard input within 10 ms as the argument.
      ignoreStdin: true,
    }),
  };
  static override flags = sendFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Send);
    const code = await runSend(flags, args.message, this.context, this.output);
    if (code !== 0) this.exit(code);
  }
}
