import { Flags } from '@oclif/core';

import {
  bootstrapAuthkey,
  type BootstrapAuthkeyOptions,
  type BootstrapResult,
} from '../../src/app/bootstrap-authkey.js';
import { BootstrapRescueError } from '../../src/app/bootstrap-rescue.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { renderJson } from '../../src/cli/render.js';
import { Secret } from '../../src/lib/secret.js';

export default class BootstrapAuthkey extends BaseCommand {
  static override description =
    'Create a virtual SIM with a SORACOM API auth key and write arc.json; where arc.json is there, make a new session for its SIM.';
  static override examples = [
    'ARCTUN_AUTH_KEY_ID=keyId-... ARCTUN_AUTH_KEY=secret-... <%= config.bin %> <%= command.id %> --coverage-type jp',
  ];
  static override flags = {
    'auth-key-id': Flags.string({
      description: 'SORACOM API auth key ID; begins with "keyId-".',
      env: 'ARCTUN_AUTH_KEY_ID',
      noCacheDefault: true,
    }),
    'auth-key': Flags.string({
      description: 'SORACOM API auth key; begins with "secret-". Better in the environment.',
      env: 'ARCTUN_AUTH_KEY',
      noCacheDefault: true,
    }),
    'coverage-type': Flags.string({
      description: 'Coverage of a new virtual SIM: g (Global) or jp (Japan).',
      env: 'ARCTUN_COVERAGE_TYPE',
    }),
    endpoint: Flags.string({
      description: 'Base URL of the SORACOM API; else ARCTUN_ENDPOINT, SORACOM_ENDPOINT, coverage.',
    }),
    json: Flags.boolean({ description: 'Print the result as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(BootstrapAuthkey);
    const authKey = flags['auth-key'];
    const result = await this.bootstrap({
      path: flags.config,
      authKeyId: flags['auth-key-id'],
      authKey: authKey === undefined ? undefined : new Secret(authKey),
      coverage: flags['coverage-type'],
      endpoint: flags.endpoint,
      rescueFolder: this.context.rescueFolder(),
      platform: this.context.platform,
      env: this.context.env,
    });
    if (flags.json) this.write(renderJson(result));
    else {
      this.write(`Virtual subscriber SIM ID: ${result.simId}\n`);
      this.write(`Created/updated configuration file: ${result.path}\n`);
    }
  }

  /** A key that could be kept in no file is printed: nobody can show it again. */
  private async bootstrap(options: BootstrapAuthkeyOptions): Promise<BootstrapResult> {
    const { context } = this;
    const ports = { files: await context.files(), createClient: await context.soracomClients() };
    const signal = await context.stopSignal();
    signal.addEventListener('abort', () =>
      this.note(
        'Stopping. If a virtual SIM is being created, its key is waited for, 30 s at most; stopping again would lose it.',
      ),
    );
    try {
      return await bootstrapAuthkey(options, ports, signal);
    } catch (error) {
      const rescued = error instanceof BootstrapRescueError ? error.arcJson : undefined;
      if (rescued !== undefined) this.write(rescued.expose());
      throw error;
    }
  }
}
