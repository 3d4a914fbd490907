import { BaseCommand } from '../src/cli/base-command.js';
import { healthFlags, runHealth } from '../src/cli/run/run-health.js';

export default class Health extends BaseCommand {
  static override description =
    'Check whether a running "arctun up" has a healthy tunnel.\nExits with code 0 if the tunnel is healthy, 5 if not, and 1 if no "arctun up" is running.';
  static override examples = ['arctun health', 'arctun health --interface soratun0'];
  static override flags = healthFlags;

  async run(): Promise<void> {
    const { flags } = await this.parse(Health);
    this.exit(await runHealth(flags, this.context));
  }
}
