import * as Args from '@oclif/core/args';

import { showSim } from '../../src/app/sim/show-sim.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { credentialFlags } from '../../src/cli/flags/credential-flags.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { renderJson } from '../../src/cli/output/render.js';
import { withSimPorts } from '../../src/cli/run/sim-ports.js';
import { renderSimReport, simReportValue } from '../../src/cli/output/tables/sim-table.js';

export default class SimShow extends BaseCommand {
  static override description =
    'Show what SORACOM reports about a virtual SIM, and any problems in arc.json.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> 8942310022000012345 --events',
  ];
  static override args = {
    sim_id: Args.string({
      description: 'SIM ID; read from arc.json by default.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...credentialFlags,
    events: Flags.boolean({
      description: 'Also show the latest session events. Requires Sim:listSimSessionEvents.',
    }),
    json: Flags.boolean({ description: 'Print the SIM as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SimShow);
    const options = { simId: args.sim_id, config: flags.config, events: flags.events };
    const publicKeyOf = await this.context.publicKeyOf();
    const report = await withSimPorts(this.context, flags, (ports, _, signal) =>
      showSim(options, { ...ports, publicKeyOf }, signal),
    );
    for (const note of report.notes) this.note(note);
    if (flags.json) this.write(renderJson(simReportValue(report)));
    else this.write(renderSimReport(report));
  }
}
