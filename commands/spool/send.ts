import { BaseCommand } from '../../src/cli/base-command.js';
import { runSpoolSend, spoolSendFlags } from '../../src/cli/run/messages/run-spool.js';

export default class SpoolSend extends BaseCommand {
  static override description = 'Send the queued messages of a spool, the oldest first.';
  static override examples = ['arctun spool send --spool spool'];
  static override flags = spoolSendFlags;

  async run(): Promise<void> {
    const { flags } = await this.parse(SpoolSend);
    const code = await runSpoolSend(flags, this.context, this.output);
    if (code !== 0) this.exit(code);
  }
}
