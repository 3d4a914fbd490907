import * as Args from '@oclif/core/args';

import { renewKeyOfSim } from '../../src/app/sim/renew-key-of-sim.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { confirmRenewal } from '../../src/cli/run/confirm.js';
import { credentialFlags } from '../../src/cli/flags/credential-flags.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { renderJson } from '../../src/cli/output/render.js';
import { withSimPorts } from '../../src/cli/run/sim-ports.js';

export default class SimRenewKey extends BaseCommand {
  static override description =
    'Renew the key of a virtual SIM and save the new key in arc.json.\nThe new key is generated locally. The old key stops working.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> 8942310022000012345 --config new-arc.json',
  ];
  static override args = {
    sim_id: Args.string({
      description:
        'SIM ID; read from arc.json by default. To replace a lost arc.json, pass the SIM ID.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...credentialFlags,
    yes: Flags.boolean({
      char: 'y',
      description:
        'Do not ask for confirmation, even if a tunnel on this machine is using the old key.',
    }),
    json: Flags.boolean({ description: 'Print the result as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SimRenewKey);
    const { context } = this;
    const { platform } = context;
    const options = { simId: args.sim_id, path: flags.config, platform, yes: flags.yes };
    const keys = {
      journals: await context.journals(),
      claims: await context.keyClaims(),
      createKeyPair: await context.keyPairs(),
      publicKeyOf: await context.publicKeyOf(),
    };
    const { notes, ...renewed } = await withSimPorts(context, flags, (ports, progress, signal) => {
      const asking = context.isInteractive() && {
        confirm: (holder: string) => {
          progress.end();
          return confirmRenewal(holder, signal);
        },
      };
      return renewKeyOfSim(options, { ...ports, ...keys, ...asking }, signal);
    });
    for (const note of notes) this.note(note);
    if (flags.json) this.write(renderJson({ ...renewed, notes }));
    else this.write(`SIM ${renewed.simId} has a new key, saved in ${renewed.path}.\n`);
  }
}
