import { Args, Flags } from '@oclif/core';

import { loadArcConfig } from '../src/app/load-arc-config.js';
import { sendMessage } from '../src/app/send-message.js';
import { BaseCommand } from '../src/cli/base-command.js';
import { logFlags } from '../src/cli/log-flags.js';
import { answerTimeout, ENTRY_PORTS, messageFlags, readMessage } from '../src/cli/message.js';
import { renderJson } from '../src/cli/render.js';
import { answerNote, answerValue } from '../src/cli/send-answer.js';
import { parseTarget, tunnelFlags, UNIFIED_ENDPOINT } from '../src/cli/tunnel-flags.js';

export default class Send extends BaseCommand {
  static override description =
    'Send one message to the Unified Endpoint, print the answer and close the tunnel.';
  static override examples = [
    `<%= config.bin %> <%= command.id %> '{"temperature": 21.5}'`,
    `echo hello | <%= config.bin %> <%= command.id %> --content-type text/plain`,
    `<%= config.bin %> <%= command.id %> --via udp 21.5`,
  ];
  static override args = {
    message: Args.string({ description: 'The message; without it, --file or standard input.' }),
  };
  static override flags = {
    ...messageFlags,
    ...tunnelFlags,
    'forward-to': Flags.string({
      description: `Where the message goes inside the tunnel, as ADDRESS or ADDRESS:PORT; ${UNIFIED_ENDPOINT} and the port of --via when absent.`,
      env: 'ARCTUN_FORWARD_TO',
    }),
    ...logFlags('warn'),
    json: Flags.boolean({ description: 'Print the answer as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Send);
    const target = parseTarget(flags['forward-to'] ?? UNIFIED_ENDPOINT, ENTRY_PORTS[flags.via]);
    const timeout = answerTimeout(flags.via, flags.timeout);
    const home = { files: await this.context.files(), stateFolder: this.context.stateFolder() };
    const arcConfig = await loadArcConfig(flags.config, home);
    const message = await readMessage(args.message, flags, this.context);
    const log = await this.context.log({ level: flags['log-level'], format: flags['log-format'] });
    const answer = await sendMessage(
      {
        arcConfig,
        mode: flags.mode,
        wait: flags.wait * 1000,
        signal: await this.context.stopSignal(),
        target,
        message,
        timeout,
      },
      await this.context.tunnelPorts(log),
    );
    if (flags.json) this.write(renderJson(answerValue(answer)));
    else if (answer.via === 'http') this.write(answer.response.body);
    else this.write(answer.payload ?? '');
    const note = answerNote(answer, { timeout, json: flags.json });
    if (note !== undefined) this.note(note);
    if (answer.via === 'http' && answer.response.status >= 400) this.exit(1);
  }
}
