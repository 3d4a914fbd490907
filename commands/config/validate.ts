import * as Args from '@oclif/core/args';

import { validateConfig } from '../../src/app/config/validate-config.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { EXIT_CODES } from '../../src/cli/errors/exit-codes.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { refuseSecondSource, stdinFlag } from '../../src/cli/flags/config-flags.js';
import { renderJson } from '../../src/cli/output/render.js';
import {
  faultsValue,
  validationText,
  validationValue,
} from '../../src/cli/output/validation-text.js';

export default class ConfigValidate extends BaseCommand {
  static override description =
    'Check the configuration without opening the tunnel.\nIf the configuration is invalid, lists every error and exits with code 3.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --config arc.json',
    '<%= config.bin %> <%= command.id %> - < arc.json',
  ];
  static override args = {
    file: Args.string({
      description: 'Configuration file to check instead of --config, or - for standard input.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...stdinFlag,
    strict: Flags.boolean({ description: 'Treat warnings as errors: exit with code 3.' }),
    json: Flags.boolean({ description: 'Print errors and warnings as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags, raw } = await this.parse(ConfigValidate);
    const { file } = args;
    const readsInput = flags['read-stdin'] || file === '-';
    if (flags['read-stdin']) refuseSecondSource('--read-stdin', raw);
    if (file !== undefined) refuseSecondSource(file === '-' ? '-' : 'FILE', raw);
    const publicKey = await this.context.publicKeyOf();
    const checking = validateConfig(
      readsInput ? await this.context.readStdin() : (file ?? flags.config),
      { files: await this.context.files(), stateFolder: this.context.stateFolder() },
      { crypto: { publicKey } },
    );
    const notices = flags.json
      ? await checking.catch((error: unknown) => this.printErrors(error))
      : await checking;
    const { lines, verdict, hasWarnings } = validationText(notices);
    if (flags.json) this.write(renderJson(validationValue(notices)));
    else {
      for (const line of lines) this.note(line);
      this.write(verdict);
    }
    if (flags.strict && hasWarnings) this.exit(EXIT_CODES.configuration);
  }

  /**
   * Prints a configuration's errors to standard output, in addition to standard error. @throws the
   * given error
   */
  private printErrors(error: unknown): never {
    const faults = faultsValue(error);
    if (faults !== undefined) this.write(renderJson(faults));
    throw error;
  }
}
