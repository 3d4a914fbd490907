/** The flags and the set-up of `ping` and `dig`. */
import type { AccessOptions, TunnelAccess } from '../../../app/access/access.js';
import { type AccessPorts, openAccess } from '../../../app/access/tunnel-access.js';
import { PLATFORM_NAME_SERVERS } from '../../../app/up/plan-tunnel.js';
import type { HostNames } from '../../../proxy/dns/host-names.js';
import { accessFlags } from '../../flags/tunnel-flags.js';
import type { configFlag } from '../../flags/config-flags.js';
import * as Flags from '../../flags/flag.js';
import { logFlags } from '../../flags/log-flags.js';
import { nameServers } from '../../flags/listeners/proxy-flags.js';
import { type AccessContext, prepareAccess } from '../access/prepare-access.js';

const LEVEL = 'warn';

export const probeFlags = {
  wait: accessFlags.wait,
  dns: Flags.text({
    description:
      'Name servers inside the tunnel, separated by commas; by default, those of the running "arctun up".',
    defaultHelp: PLATFORM_NAME_SERVERS.join(','),
    helpValue: 'ADDRESS',
    env: 'ARCTUN_DNS',
    helpGroup: 'Tunnel',
  }),
  force: accessFlags.force,
  ...logFlags(LEVEL),
};

type ProbeChoice = Flags.FlagValues<typeof configFlag & typeof probeFlags>;

/** The inside of a tunnel, the name servers to ask, and the system. */
export interface Probe {
  readonly access: TunnelAccess;
  readonly ports: AccessPorts;
  readonly servers: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Runs a command with the tunnel of the running `up`, or with one of its own.
 *
 * @throws UserError
 */
export async function runProbe<Result>(
  command: AccessOptions['command'],
  flags: ProbeChoice,
  hosts: HostNames,
  context: AccessContext,
  use: (probe: Probe) => Promise<Result>,
): Promise<Result> {
  const chosen = flags.dns === undefined ? undefined : nameServers(flags.dns);
  const names = { hosts, ...(chosen && { nameServers: chosen }) };
  const { options, ports } = await prepareAccess(flags, context, LEVEL, names);
  const signal = await context.stopSignal();
  const access = await openAccess({ ...options, command }, ports);
  try {
    return await use({ access, ports, servers: chosen ?? access.nameServers, signal });
  } finally {
    await access.close();
  }
}
