import { BaseCommand } from '../../src/cli/base-command.js';
import { forwardRemoveFlags, runForwardRemove } from '../../src/cli/run/run-forward.js';

export default class ForwardRemove extends BaseCommand {
  static override description =
    'Remove port forwards from a running "arctun up".\nThe ports close immediately. Open TCP connections continue until they end; UDP associations end.';
  static override examples = ['arctun forward remove -L 8080', 'arctun forward remove -R 2222'];
  static override flags = forwardRemoveFlags;

  async run(): Promise<void> {
    const { flags } = await this.parse(ForwardRemove);
    await runForwardRemove(flags, this.context, this.output);
  }
}
