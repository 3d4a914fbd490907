import { BaseCommand } from '../../src/cli/base-command.js';
import { oclifFlags } from '../../src/cli/flags/oclif-flags.js';
import { buildLayerByFlags, layerText, prebuiltFolder } from '../../src/cli/run/build-layer.js';

export default class LambdaLayer extends BaseCommand {
  static override description =
    'Build the layer for AWS Lambda, a zip file, with Node from npm in it.';
  static override examples = ['<%= config.bin %> <%= command.id %> --arch arm64'];
  static override flags = oclifFlags({
    arch: {
      type: 'choice',
      options: ['x86_64', 'arm64'],
      description: 'The architecture of the functions.',
      default: 'x86_64',
    },
    thin: {
      type: 'boolean',
      description:
        'Without Node: for the runtimes nodejs20.x and newer, on both architectures. Downloads nothing.',
      exclusive: ['arch'],
    },
    output: {
      type: 'string',
      description: 'Write the zip to this file; arctun-lambda-ARCH.zip when absent.',
      helpValue: 'FILE',
    },
    json: { type: 'boolean', description: 'Print file, size and checksum as JSON.' },
  });

  async run(): Promise<void> {
    const { flags } = await this.parse(LambdaLayer);
    const layer = await buildLayerByFlags(flags, {
      commands: await this.context.commands(),
      prebuilt: prebuiltFolder(),
      signal: await this.context.stopSignal(),
      onStep: (text) => this.note(text),
    });
    this.write(layerText(layer, flags.json));
  }
}
