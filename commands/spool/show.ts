import * as Args from '@oclif/core/args';

import { BaseCommand } from '../../src/cli/base-command.js';
import { messageIdArgument } from '../../src/cli/flags/spool-flags.js';
import { runSpoolShow, spoolShowFlags } from '../../src/cli/run/messages/run-spool.js';

export default class SpoolShow extends BaseCommand {
  static override description = 'Show the HTTP request of a message in a spool.';
  static override examples = ['arctun spool show --spool spool 1795989600000-0f3a9c'];
  static override args = { id: Args.string({ ...messageIdArgument, required: true }) };
  static override flags = spoolShowFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SpoolShow);
    await runSpoolShow(flags, args.id, this.context, this.output);
  }
}
