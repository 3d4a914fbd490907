import { Args, Flags } from '@oclif/core';

import { BaseCommand } from '../src/cli/base-command.js';
import { runStatus } from '../src/cli/run-status.js';
import { watchSeconds } from '../src/cli/watch-seconds.js';

export default class Status extends BaseCommand {
  static override description =
    'Show how the tunnels of this machine do: exit code 0 where all is well, 5 where one has no answer from its server, 1 where there is none.';
  static override hiddenAliases = ['s'];
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --watch 1',
    `<%= config.bin %> <%= command.id %> --json | jq -r '.[].health'`,
  ];
  static override args = {
    seconds: Args.string({
      description:
        'Seconds between two views of --watch, a whole number up to 86400; 2 when absent.',
    }),
  };
  static override flags = {
    all: Flags.boolean({
      description:
        "Show every WireGuard device: those with a socket in /var/run/wireguard, and the kernel's where wg is installed. Takes root, as a rule.",
    }),
    watch: Flags.boolean({ description: 'Keep showing it, with rates, until Ctrl-C.' }),
    json: Flags.boolean({
      description: 'Print a JSON array, with --watch one on each line.',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Status);
    const code = await runStatus(
      { ...flags, seconds: watchSeconds(args.seconds) },
      this.context,
      (line) => this.note(line),
    );
    this.exit(code);
  }
}
