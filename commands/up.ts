import { BaseCommand } from '../src/cli/base-command.js';
import { upFlags } from '../src/cli/flags/up-flags.js';
import { runUp } from '../src/cli/run/run-up.js';

export default class Up extends BaseCommand {
  static override description =
    'Open the tunnel, as a network interface if permitted, otherwise in userspace with a local forwarder and proxy.';
  static override hiddenAliases = ['u'];
  static override examples = [
    'arctun up',
    'arctun up --mode userspace --port 8080',
    `arctun up --header 'X-Device: sensor-1'`,
    'arctun up --capture tunnel.pcapng',
  ];
  static override flags = upFlags;

  async run(): Promise<void> {
    const { flags, raw } = await this.parse(Up);
    const { context, output } = this;
    await runUp({ flags, tokens: raw }, { context, output, version: this.config.version });
  }
}
