import { bootstrapSim } from '../../src/app/bootstrap/bootstrap-sim.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { kryptonCliFlags } from '../../src/cli/flags/krypton-cli-flags.js';
import { printKryptonResult } from '../../src/cli/output/krypton-result.js';

export default class BootstrapSim extends BaseCommand {
  static override description =
    'Get a virtual SIM for a SORACOM Air SIM in a reader or modem, using krypton-cli, and write arc.json.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --interface comm --port-name /dev/ttyUSB1',
  ];
  static override flags = kryptonCliFlags;

  async run(): Promise<void> {
    const { flags } = await this.parse(BootstrapSim);
    const { context } = this;
    const ports = {
      files: await context.files(),
      commands: await context.commands(),
      journals: await context.journals(),
      publicKeyOf: await context.publicKeyOf(),
      note: (line: string) => this.note(line),
    };
    const options = {
      path: flags.config,
      dumpConfig: flags['dump-config'],
      rescueFolder: context.stateFolder(),
      platform: context.platform,
      kryptonCli: { ...flags, path: flags['krypton-cli-path'], debug: context.isVerbose },
    };
    const signal = await context.stopSignal();
    signal.addEventListener('abort', () =>
      this.note('Stopping. Waiting up to 120 s for krypton-cli to finish.'),
    );
    const bootstrap = () => bootstrapSim(options, ports, signal);
    await printKryptonResult(bootstrap, context, flags.json, this.output);
  }
}
