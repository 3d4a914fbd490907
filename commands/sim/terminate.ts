import * as Args from '@oclif/core/args';

import type { SimSummary } from '../../src/app/sim/sim-summary.js';
import { terminateSim } from '../../src/app/sim/terminate-sim.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { confirmTermination } from '../../src/cli/run/confirm.js';
import { credentialFlags } from '../../src/cli/flags/credential-flags.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { renderJson } from '../../src/cli/output/render.js';
import { runSweep, sweepOptions } from '../../src/cli/run/run-sweep.js';
import { withSimPorts } from '../../src/cli/run/sim-ports.js';
import { renderSimTable } from '../../src/cli/output/tables/sim-table.js';

export default class SimTerminate extends BaseCommand {
  static override description =
    'Terminate a virtual SIM, or all old virtual SIMs that have a tag.\nYou cannot undo this. SORACOM deletes the SIM and stops billing it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 8942310022000012345',
    '<%= config.bin %> <%= command.id %> --yes',
    '<%= config.bin %> <%= command.id %> --tag ci=nightly --older-than 2h --yes',
  ];
  static override args = {
    sim_id: Args.string({
      description: 'SIM ID; read from arc.json by default.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...credentialFlags,
    tag: Flags.list({
      description:
        'Terminate the SIMs that have this tag, instead of one SIM. With several tags, a SIM must have all of them. Requires --older-than.',
      helpValue: 'NAME[=VALUE]',
    }),
    'older-than': Flags.text({
      description:
        'With --tag, terminate only SIMs that were created longer ago than DURATION, such as 90m, 2h or 3d.',
      helpValue: 'DURATION',
    }),
    'dry-run': Flags.boolean({
      description: 'With --tag, list the SIMs, and do not terminate them.',
    }),
    yes: Flags.boolean({ char: 'y', description: 'Do not ask for confirmation.' }),
    json: Flags.boolean({ description: 'Print the result as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SimTerminate);
    const { context } = this;
    const sweep = sweepOptions(args.sim_id, flags);
    if (sweep !== undefined) return runSweep(sweep, flags, context, this.output);
    const options = { simId: args.sim_id, config: flags.config, yes: flags.yes };
    const claims = await context.keyClaims();
    const { notes, ...done } = await withSimPorts(context, flags, (ports, progress, signal) => {
      const onSim = (sim: SimSummary, holder: string | undefined) => {
        progress.end();
        this.note(`This SIM will be terminated:\n${renderSimTable([sim])}`.trimEnd());
        if (holder !== undefined) this.note(`Warning: ${holder}. Its tunnel will stop.`);
      };
      const asking = context.isInteractive() && {
        confirm: (sim: SimSummary) => confirmTermination(sim, signal),
      };
      return terminateSim(options, { ...ports, claims, onSim, ...asking }, signal);
    });
    for (const note of notes) this.note(note);
    if (flags.json) this.write(renderJson({ ...done, status: 'terminated' }));
    else if (done.alreadyTerminated) this.write(`SIM ${done.simId} is already terminated.\n`);
    else this.write(`SIM ${done.simId} is terminated and no longer billed. This is final.\n`);
  }
}
