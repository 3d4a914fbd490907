import { Args, Flags } from '@oclif/core';

import { loadArcConfig } from '../src/app/load-arc-config.js';
import { sendMessage } from '../src/app/send-message.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { logFlags } from '../src/cli/log-flags.js';
import { renderAnswer, renderJson } from '../src/cli/render.js';
import { messageFlags, readMessage } from '../src/cli/message.js';
import { parseTarget, tunnelFlags } from '../src/cli/tunnel-flags.js';

export default class Send extends BaseCommand {
  static override description =
    'Send one message to the Unified Endpoint, print the answer and close the tunnel.';
  static override examples = [
    `<%= config.bin %> <%= command.id %> '{"temperature": 21.5}'`,
    `echo hello | <%= config.bin %> <%= command.id %> --content-type text/plain`,
  ];
  static override args = {
    message: Args.string({ description: 'The message; without it, --file or standard input.' }),
  };
  static override flags = {
    ...messageFlags,
    ...tunnelFlags,
    ...logFlags('warn'),
    json: Flags.boolean({ description: 'Print status, headers and body as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Send);
    const arcConfig = await loadArcConfig(flags.config, await this.context.files());
    const message = await readMessage(args.message, flags, this.context);
    const log = await this.context.log({ level: flags['log-level'], format: flags['log-format'] });
    const answer = await sendMessage(
      {
        arcConfig,
        mode: flags.mode,
        wait: flags.wait * 1000,
        signal: await this.context.stopSignal(),
        target: parseTarget(flags['forward-to']),
        message,
      },
      await this.context.tunnelPorts(log),
    );
    if (flags.json) this.write(renderJson(renderAnswer(answer)));
    else {
      this.note(`HTTP ${answer.status} ${answer.statusText}`);
      this.write(answer.body);
    }
    if (answer.status >= 400) this.exit(1);
  }
}
