import { BaseCommand } from '../../src/cli/base-command.js';
import { forwardListFlags, runForwardList } from '../../src/cli/run/run-forward.js';

export default class ForwardList extends BaseCommand {
  static override description =
    'List the port forwards of a running "arctun up", with their counters.';
  static override examples = [
    'arctun forward list',
    `arctun forward list --json | jq -r '.[].listen'`,
  ];
  static override flags = forwardListFlags;

  async run(): Promise<void> {
    const { flags } = await this.parse(ForwardList);
    await runForwardList(flags, this.context, this.output);
  }
}
