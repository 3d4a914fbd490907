import { BaseCommand } from '../../src/cli/base-command.js';
import { runBootstrapAuthkey } from '../../src/cli/run/bootstrap/authkey.js';
import { manySims, runBootstrapMany } from '../../src/cli/run/bootstrap/many-sims.js';
import { credentialFlags } from '../../src/cli/flags/credential-flags.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { parseLabels } from '../../src/cli/flags/tag-flag.js';

export default class BootstrapAuthkey extends BaseCommand {
  static override description =
    'Create a virtual SIM with a SORACOM auth key and write arc.json.\nIf arc.json exists, renew the session of its SIM.';
  static override examples = [
    'ARCTUN_AUTH_KEY_ID=keyId-... ARCTUN_AUTH_KEY=secret-... <%= config.bin %> <%= command.id %> --coverage-type jp',
    '<%= config.bin %> <%= command.id %> --profile default --name sensor-1 --tag site=osaka',
    '<%= config.bin %> <%= command.id %> --count 100 --name-prefix sensor- --output-folder sims',
  ];
  static override flags = {
    ...credentialFlags,
    name: Flags.text({
      description: 'Name of the virtual SIM (its "name" tag).',
      helpValue: 'NAME',
    }),
    count: Flags.integer({
      description:
        'Create COUNT virtual SIMs, each with its own file in --output-folder. If some of them exist, create only the others.',
      helpValue: 'COUNT',
      min: 1,
      max: 2000,
      exclusive: ['name', 'dump-config'],
    }),
    'name-prefix': Flags.text({
      description:
        'With --count, the beginning of the names: sensor- names the SIMs sensor-1, sensor-2 and so on.',
      helpValue: 'PREFIX',
    }),
    'output-folder': Flags.text({
      description: 'With --count, the folder for the configurations, such as sims/sensor-1.json.',
      helpValue: 'FOLDER',
    }),
    yes: Flags.boolean({
      char: 'y',
      description: 'With --count, do not ask for confirmation.',
    }),
    group: Flags.text({
      description: 'ID of the SIM group for the virtual SIM.',
      helpValue: 'GROUP_ID',
    }),
    tag: Flags.list({
      description: 'Tag for the virtual SIM, as NAME=VALUE. Repeatable.',
      helpValue: 'NAME=VALUE',
    }),
    'own-key': Flags.boolean({
      description:
        "Generate the new SIM's key locally; SORACOM receives only the public key. Requires Sim:renewArcSimCredentials.",
    }),
    'save-profile': Flags.boolean({
      description:
        'Save the auth key in arc.json, as soratun does. Anyone who can read the file can use the key.',
    }),
    'dump-config': Flags.boolean({
      description:
        'Print arc.json, including the private key, to standard output instead of writing the file.',
      exclusive: ['own-key', 'adopt'],
    }),
    adopt: Flags.text({
      description: 'Issue a new key for SIM_ID, whose key was lost, instead of creating a SIM.',
      helpValue: 'SIM_ID',
      exclusive: ['create-another'],
    }),
    'create-another': Flags.boolean({
      description: 'Create a SIM even if an interrupted run may already have created one.',
    }),
    json: Flags.boolean({ description: 'Print the result as JSON.', exclusive: ['dump-config'] }),
  };

  async run(): Promise<void> {
    const { flags, raw } = await this.parse(BootstrapAuthkey);
    const { context, output } = this;
    const { adopt } = flags;
    const many = manySims(flags, raw);
    const path = many === undefined ? flags.config : `${many.folder}/arc.json`;
    const options = {
      ...{ path, stateFolder: context.stateFolder(), platform: context.platform },
      labels: parseLabels({ ...flags, name: many?.namePrefix ?? flags.name }),
      ownKey: flags['own-key'],
      saveProfile: flags['save-profile'],
      ...{ adopt, createAnother: flags['create-another'] },
    };
    if (many === undefined) await runBootstrapAuthkey(flags, options, context, output);
    else await runBootstrapMany({ ...options, ...many }, flags, context, output);
  }
}
