import { bootstrapCellular, SORACOM_URLS } from '../../src/app/bootstrap/bootstrap-cellular.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { printKryptonResult } from '../../src/cli/output/krypton-result.js';

export default class BootstrapCellular extends BaseCommand {
  static override description =
    'Get a virtual SIM for a SORACOM Air SIM over its cellular connection and write arc.json.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --dump-config > /run/arc.json',
  ];
  static override flags = {
    endpoint: Flags.text({
      description: 'Base URL of SORACOM Krypton.',
      helpValue: 'URL',
      default: SORACOM_URLS.krypton,
      env: 'ARCTUN_KRYPTON_ENDPOINT',
    }),
    'metadata-endpoint': Flags.text({
      description:
        'Base URL of the metadata service, which reports the SIM ID if the service is enabled for the SIM.',
      helpValue: 'URL',
      default: SORACOM_URLS.metadata,
    }),
    'dump-config': Flags.boolean({
      description:
        'Print arc.json, including the private key, to standard output, without reading or writing files.',
    }),
    json: Flags.boolean({ description: 'Print the result as JSON.', exclusive: ['dump-config'] }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(BootstrapCellular);
    const { context } = this;
    const ports = {
      files: await context.files(),
      journals: await context.journals(),
      publicKeyOf: await context.publicKeyOf(),
      note: (line: string) => this.note(line),
      dump: context.dump,
    };
    const options = {
      path: flags.config,
      endpoint: flags.endpoint,
      metadataEndpoint: flags['metadata-endpoint'],
      dumpConfig: flags['dump-config'],
      userAgent: context.userAgent,
      rescueFolder: context.stateFolder(),
      platform: context.platform,
    };
    const signal = await context.stopSignal();
    signal.addEventListener('abort', () =>
      this.note('Stopping. Waiting up to 30 s for the request in progress.'),
    );
    const bootstrap = () => bootstrapCellular(options, ports, signal);
    await printKryptonResult(bootstrap, context, flags.json, this.output);
  }
}
