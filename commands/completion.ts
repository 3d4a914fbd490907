import * as Args from '@oclif/core/args';

import { BaseCommand } from '../src/cli/base-command.js';
import { readCommandLine } from '../src/cli/completion/command-line.js';
import { completionScript, type Shell, SHELLS } from '../src/cli/completion/shells.js';

export default class Completion extends BaseCommand {
  static override description =
    'Print a shell completion script for the commands, flags and flag values.';
  static override examples = [
    'source <(<%= config.bin %> <%= command.id %> bash)',
    'source <(<%= config.bin %> <%= command.id %> zsh)',
    '<%= config.bin %> <%= command.id %> fish > ~/.config/fish/completions/<%= config.bin %>.fish',
  ];
  static override args = {
    shell: Args.custom<Shell>({})({
      description: 'Shell to print the script for.',
      options: [...SHELLS] as const,
      required: true,
    }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    const { bin, commands, topics } = this.config;
    this.write(completionScript(args.shell, readCommandLine(bin, commands, topics)));
  }
}
