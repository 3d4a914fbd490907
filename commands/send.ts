import { BaseCommand } from '../src/cli/base-command.js';
import { oclifArguments, oclifFlags } from '../src/cli/flags/oclif-flags.js';
import { runSend, sendCommand } from '../src/cli/run/run-send.js';

export default class Send extends BaseCommand {
  static override description = sendCommand.description;
  static override examples = sendCommand.examples;
  static override args = oclifArguments(sendCommand.args);
  static override flags = oclifFlags(sendCommand.flags);

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Send);
    const code = await runSend(flags, args.message, this.context, this.output);
    if (code !== 0) this.exit(code);
  }
}
