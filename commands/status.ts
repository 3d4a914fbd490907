import * as Args from '@oclif/core/args';

import { BaseCommand } from '../src/cli/base-command.js';
import { watchSeconds } from '../src/cli/flags/time-flags.js';
import { runStatus, statusFlags } from '../src/cli/run/run-status.js';

export default class Status extends BaseCommand {
  static override description =
    'Show tunnel status, once or continuously.\nExits with code 0 if all tunnels are healthy, 5 if a server does not answer, and 1 if no tunnel is running.';
  static override hiddenAliases = ['s'];
  static override examples = [
    'arctun status',
    'arctun status --watch 1',
    `arctun status --json | jq -r '.[].health'`,
  ];
  static override args = {
    seconds: Args.string({
      description: 'Seconds between refreshes with --watch, 1 to 86400; 2 by default.',
      ignoreStdin: true,
    }),
  };
  static override flags = statusFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Status);
    const choice = {
      ...flags,
      seconds: args.seconds === undefined ? undefined : watchSeconds(args.seconds),
    };
    this.exit(await runStatus(choice, this.context, this.output));
  }
}
