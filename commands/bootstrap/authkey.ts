import { localSchema } from '../../src/app/config/local-schema.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { runBootstrapAuthkey } from '../../src/cli/run/bootstrap/authkey.js';
import { credentialFlags } from '../../src/cli/flags/credential-flags.js';
import { oclifFlags } from '../../src/cli/flags/oclif-flags.js';
import { parseLabels } from '../../src/cli/flags/tag-flag.js';

export default class BootstrapAuthkey extends BaseCommand {
  static override description =
    'Create a virtual SIM with a SORACOM auth key and write arc.json.\nIf arc.json exists, renew the session of its SIM.';
  static override examples = [
    'ARCTUN_AUTH_KEY_ID=keyId-... ARCTUN_AUTH_KEY=secret-... <%= config.bin %> <%= command.id %> --coverage-type jp',
    '<%= config.bin %> <%= command.id %> --profile default --name sensor-1 --tag site=osaka',
  ];
  static override flags = oclifFlags({
    ...credentialFlags,
    name: {
      type: 'string',
      description: 'Name of the virtual SIM (its "name" tag).',
      helpValue: 'NAME',
    },
    group: {
      type: 'string',
      description: 'ID of the SIM group for the virtual SIM.',
      helpValue: 'GROUP_ID',
    },
    tag: {
      type: 'list',
      description: 'Tag for the virtual SIM, as NAME=VALUE. Repeatable.',
      helpValue: 'NAME=VALUE',
    },
    'own-key': {
      type: 'boolean',
      description:
        "Generate the new SIM's key locally; SORACOM receives only the public key. Requires Sim:renewArcSimCredentials.",
    },
    'save-profile': {
      type: 'boolean',
      description:
        'Save the auth key in arc.json, as soratun does. Anyone who can read the file can use the key.',
    },
    'dump-config': {
      type: 'boolean',
      description:
        'Print arc.json, including the private key, to standard output instead of writing the file.',
      exclusive: ['own-key', 'adopt'],
    },
    adopt: {
      type: 'string',
      description: 'Issue a new key for SIM_ID, whose key was lost, instead of creating a SIM.',
      helpValue: 'SIM_ID',
      exclusive: ['create-another'],
    },
    'create-another': {
      type: 'boolean',
      description: 'Create a SIM even if an interrupted run may already have created one.',
    },
    json: { type: 'boolean', description: 'Print the result as JSON.', exclusive: ['dump-config'] },
  });

  async run(): Promise<void> {
    const { flags } = await this.parse(BootstrapAuthkey);
    await runBootstrapAuthkey(
      flags,
      {
        path: flags.config,
        stateFolder: this.context.stateFolder(),
        platform: this.context.platform,
        schema: await localSchema(await this.context.files(), flags.config),
        labels: parseLabels(flags),
        ownKey: flags['own-key'],
        saveProfile: flags['save-profile'],
        adopt: flags.adopt,
        createAnother: flags['create-another'],
      },
      this.context,
      this.output,
    );
  }
}
