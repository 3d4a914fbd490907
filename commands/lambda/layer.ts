import { BaseCommand } from '../../src/cli/base-command.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { buildLayerByFlags, layerText, prebuiltFolder } from '../../src/cli/run/build-layer.js';

export default class LambdaLayer extends BaseCommand {
  static override description =
    'Build an AWS Lambda layer, as a zip file that includes Node.js from npm.';
  static override examples = ['<%= config.bin %> <%= command.id %> --arch arm64'];
  static override flags = {
    arch: Flags.choice({
      options: ['x86_64', 'arm64'] as const,
      description: 'Processor architecture of the functions.',
      default: 'x86_64',
    })(),
    thin: Flags.boolean({
      description:
        'Do not include Node.js. The layer works with nodejs20.x and newer runtimes on both architectures. No download is needed.',
      exclusive: ['arch'],
    }),
    output: Flags.text({
      description: 'Zip file to write; arctun-lambda-ARCH.zip by default.',
      helpValue: 'FILE',
    }),
    json: Flags.boolean({ description: 'Print the file name, size and checksum as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(LambdaLayer);
    const layer = await buildLayerByFlags(flags, {
      commands: await this.context.commands(),
      prebuilt: prebuiltFolder(),
      signal: await this.context.stopSignal(),
      onStep: (text) => {
        if (!flags.quiet) this.note(text);
      },
    });
    this.write(layerText(layer, flags.json));
  }
}
