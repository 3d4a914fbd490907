import * as Args from '@oclif/core/args';

import { BaseCommand } from '../../src/cli/base-command.js';
import { messageIdArgument } from '../../src/cli/flags/spool-flags.js';
import { runSpoolRemove, spoolRemoveFlags } from '../../src/cli/run/messages/run-spool.js';

export default class SpoolRemove extends BaseCommand {
  static override description = 'Remove a message from a spool without sending it.';
  static override examples = ['arctun spool remove --spool spool 1795989600000-0f3a9c'];
  static override args = { id: Args.string(messageIdArgument) };
  static override flags = spoolRemoveFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SpoolRemove);
    await runSpoolRemove(flags, args.id, this.context, this.output);
  }
}
