import { createPrivateImage, exportWgConfig } from '../src/app/config/export-wg-config.js';
import { BaseCommand } from '../src/cli/base-command.js';
import * as Flags from '../src/cli/flags/flag.js';
import { renderJson, renderText } from '../src/cli/output/render.js';
import { wgConfigValue } from '../src/cli/output/wg-config-value.js';
import { pngQrCode, terminalQrCode } from '../src/cli/output/qr-code.js';

export default class WgConfig extends BaseCommand {
  static override description = 'Print the configuration for wg-quick, including the private key.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> > soratun0.conf',
    '<%= config.bin %> <%= command.id %> --qr',
  ];
  static override flags = {
    'keep-hostname': Flags.boolean({
      description: "Print the server's host name instead of its first IP address.",
    }),
    qr: Flags.boolean({
      description: 'Show a QR code for a phone instead of text. The code contains the private key.',
    }),
    png: Flags.text({
      description:
        'Write the QR code to this new PNG file (mode 0600). The code contains the private key.',
      helpValue: 'FILE',
    }),
    json: Flags.boolean({
      description: 'Print the sections as JSON, including the private key.',
      exclusive: ['qr', 'png'],
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(WgConfig);
    const files = await this.context.files();
    const { text, warnings } = await exportWgConfig(
      { config: flags.config, keepHostname: flags['keep-hostname'] },
      { files, resolver: await this.context.resolver() },
    );
    for (const warning of warnings) this.note(`Warning: ${warning}`);
    if (flags.json) {
      this.write(renderJson(wgConfigValue(text)));
      return;
    }
    if (flags.png !== undefined) {
      await createPrivateImage(files, flags.png, await pngQrCode(text));
      this.note(`${files.absolute(flags.png)} contains the private key: keep it secret.`);
    }
    if (flags.qr) {
      const { code, note } = await terminalQrCode(text, this.context.terminalSize());
      this.write(code);
      // A terminal that is too small scrolls, so the last lines remain visible.
      if (note !== undefined) this.note(note);
    } else if (flags.png === undefined) {
      // Escape control characters on a terminal, because a command may contain some. In a file, the
      // configuration is unchanged.
      this.write(this.context.terminalColumns() === undefined ? text : renderText(text));
    }
  }
}
