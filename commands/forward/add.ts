import { BaseCommand } from '../../src/cli/base-command.js';
import { forwardAddFlags, runForwardAdd } from '../../src/cli/run/run-forward.js';

export default class ForwardAdd extends BaseCommand {
  static override description =
    'Add port forwards to a running "arctun up" in userspace mode.\nIf one of the forwards cannot be opened, none is added. The forwards end with the tunnel.';
  static override examples = [
    'arctun forward add -L 8080:10.0.0.3:80',
    'arctun forward add -R 2222:127.0.0.1:22',
  ];
  static override flags = forwardAddFlags;

  async run(): Promise<void> {
    const { flags } = await this.parse(ForwardAdd);
    await runForwardAdd(flags, this.context, this.output);
  }
}
