import * as Args from '@oclif/core/args';

import { BaseCommand } from '../../src/cli/base-command.js';
import { messageIdArgument } from '../../src/cli/flags/spool-flags.js';
import { runSpoolRetry, spoolRetryFlags } from '../../src/cli/run/messages/run-spool.js';

export default class SpoolRetry extends BaseCommand {
  static override description =
    'Queue a message again that was set aside.\nThe target receives an unknown message twice if it arrived the first time.';
  static override examples = ['arctun spool retry --spool spool 1795989600000-0f3a9c'];
  static override args = { id: Args.string(messageIdArgument) };
  static override flags = spoolRetryFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SpoolRetry);
    await runSpoolRetry(flags, args.id, this.context, this.output);
  }
}
