import * as Args from '@oclif/core/args';

import { validateConfig } from '../../src/app/validate-config.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { EXIT_CODES } from '../../src/cli/exit-codes.js';
import { oclifFlags } from '../../src/cli/oclif-flags.js';
import { refuseConfigFlag, refuseSecondSource, stdinFlag } from '../../src/cli/stdin-flag.js';
import { validationText } from '../../src/cli/validation-text.js';

export default class ConfigValidate extends BaseCommand {
  static override description =
    'Check the configuration as "up" does, and open nothing; exit 3 with every fault.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --config arc.json',
    '<%= config.bin %> <%= command.id %> - < arc.json',
  ];
  static override args = {
    file: Args.string({
      description: 'The configuration, instead of --config; - reads standard input.',
      ignoreStdin: true,
    }),
  };
  static override flags = oclifFlags({
    ...stdinFlag,
    strict: { type: 'boolean', description: 'Exit 3 for warnings, too.' },
  });

  async run(): Promise<void> {
    const { args, flags, raw } = await this.parse(ConfigValidate);
    const { file } = args;
    const readsInput = flags['read-stdin'] || file === '-';
    if (flags['read-stdin']) refuseConfigFlag(raw);
    if (file !== undefined) refuseSecondSource(file, raw);
    const publicKey = await this.context.publicKeyOf();
    const notices = await validateConfig(
      readsInput ? await this.context.readStdin() : (file ?? flags.config),
      { files: await this.context.files(), stateFolder: this.context.stateFolder() },
      { crypto: { publicKey } },
    );
    const { lines, verdict, hasWarnings } = validationText(notices);
    for (const line of lines) this.note(line);
    this.write(verdict);
    if (flags.strict && hasWarnings) this.exit(EXIT_CODES.configuration);
  }
}
