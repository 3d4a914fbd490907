import { BaseCommand } from '../../src/cli/base-command.js';
import { runSpoolList, spoolListFlags } from '../../src/cli/run/messages/run-spool.js';

export default class SpoolList extends BaseCommand {
  static override description = 'List the messages of a spool, the oldest first.';
  static override examples = ['arctun spool list --spool spool'];
  static override flags = spoolListFlags;

  async run(): Promise<void> {
    const { flags } = await this.parse(SpoolList);
    await runSpoolList(flags, this.context, this.output);
  }
}
