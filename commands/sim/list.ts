import { listSims } from '../../src/app/sim/list-sims.js';
import { BaseCommand } from '../../src/cli/base-command.js';
import { credentialFlags } from '../../src/cli/flags/credential-flags.js';
import * as Flags from '../../src/cli/flags/flag.js';
import { renderJson } from '../../src/cli/output/render.js';
import { withSimPorts } from '../../src/cli/run/sim-ports.js';
import { renderSimTable } from '../../src/cli/output/tables/sim-table.js';
import { parseSince } from '../../src/cli/flags/time-flags.js';

export default class SimList extends BaseCommand {
  static override description = 'List the virtual SIMs of the account, newest first.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --since 10m',
    `<%= config.bin %> <%= command.id %> --json | jq -r '.[].simId'`,
  ];
  static override flags = {
    ...credentialFlags,
    since: Flags.text({
      description:
        'List only SIMs created since TIME: an ISO 8601 time, or a duration before now, such as 10m or 3d.',
      helpValue: 'TIME',
    }),
    all: Flags.boolean({ description: 'Also list terminated SIMs. Requires Sim:listSims.' }),
    json: Flags.boolean({ description: 'Print the SIMs as a JSON array.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(SimList);
    const since = flags.since === undefined ? undefined : parseSince(flags.since);
    const options = { config: flags.config, since, all: flags.all };
    const { sims, notes } = await withSimPorts(this.context, flags, (ports, _, signal) =>
      listSims(options, { ...ports, now: () => this.context.now() }, signal),
    );
    for (const note of notes) this.note(note);
    if (sims.length === 0) this.note('No virtual SIM found.');
    if (flags.json) this.write(renderJson(sims));
    else if (sims.length > 0) this.write(renderSimTable(sims));
  }
}
