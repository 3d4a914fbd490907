import { localSchema } from '../../src/app/config/local-schema.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { runBootstrapAuthkey } from '../../src/cli/run/bootstrap-authkey.js';
import { credentialFlags } from '../../src/cli/flags/credential-flags.js';
import { oclifFlags } from '../../src/cli/flags/oclif-flags.js';
import { parseLabels } from '../../src/cli/flags/tag-flag.js';

export default class BootstrapAuthkey extends BaseCommand {
  static override description =
    'Create a virtual SIM with a SORACOM API auth key and write arc.json; where arc.json is there, make a new session for its SIM.';
  static override examples = [
    'ARCTUN_AUTH_KEY_ID=keyId-... ARCTUN_AUTH_KEY=secret-... <%= config.bin %> <%= command.id %> --coverage-type jp',
    '<%= config.bin %> <%= command.id %> --profile default --name sensor-1 --tag site=osaka',
  ];
  static override flags = oclifFlags({
    ...credentialFlags,
    name: {
      type: 'string',
      description: 'Name of the virtual SIM (its tag "name").',
      helpValue: 'NAME',
    },
    group: {
      type: 'string',
      description: 'Id of the SIM group to put the virtual SIM into.',
      helpValue: 'GROUP_ID',
    },
    tag: {
      type: 'list',
      description: 'A tag for the virtual SIM, as NAME=VALUE. May be given more than once.',
      helpValue: 'NAME=VALUE',
    },
    'own-key': {
      type: 'boolean',
      description:
        'Make the key of a new SIM here; the platform gets its public half alone. Needs Sim:renewArcSimCredentials.',
    },
    'save-profile': {
      type: 'boolean',
      description:
        'Write the auth key into arc.json, as soratun does. Whoever reads the file has it.',
    },
    'dump-config': {
      type: 'boolean',
      description: 'Write no file; print arc.json, private key in clear, to standard output.',
      exclusive: ['own-key', 'adopt'],
    },
    adopt: {
      type: 'string',
      description: 'Give this SIM, whose key is lost, a new one, in place of creating a SIM.',
      helpValue: 'SIM_ID',
      exclusive: ['create-another'],
    },
    'create-another': {
      type: 'boolean',
      description: 'Create a SIM although an earlier, interrupted run may have created one.',
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
      {
        write: (text) => this.write(text),
        note: (line) => this.note(line),
      },
    );
  }
}
