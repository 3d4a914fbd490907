/** What the commands that use the tunnel of a running `up` have in common. */
import type { AccessOptions } from '../../../app/access/access.js';
import type { AccessPorts } from '../../../app/access/tunnel-access.js';
import { readableWarning } from '../../../app/config/config-file-rights.js';
import { loadTunnelConfig } from '../../../app/config/load-arc-config.js';
import { planTunnel, type TunnelPlan } from '../../../app/up/plan-tunnel.js';
import type { LogLevel } from '../../../ports/log.js';
import type { accessFlags } from '../../flags/tunnel-flags.js';
import type { configFlag } from '../../flags/config-flags.js';
import type { FlagValues } from '../../flags/flag.js';
import { chosenLevel, type logFlags } from '../../flags/log-flags.js';
import type { TunnelPorts } from '../../../tunnel/tunnel-ports.js';
import type { SystemContext } from '../../system-context.js';
import type { TunnelContext } from '../../tunnel-context.js';

export type AccessContext = SystemContext & Pick<TunnelContext, 'tunnelPorts'>;

type AccessFlagValues = FlagValues<
  typeof configFlag & typeof accessFlags & ReturnType<typeof logFlags>
>;

export interface PreparedAccess {
  readonly options: Omit<AccessOptions, 'command'>;
  readonly ports: AccessPorts;
}

/**
 * @param names how an own tunnel resolves names
 * @throws UserError if arc.json cannot be read or has no session
 */
export async function prepareAccess(
  flags: AccessFlagValues,
  context: AccessContext,
  level: LogLevel,
  names: Pick<TunnelPlan, 'nameServers' | 'hosts'> = {},
): Promise<PreparedAccess> {
  const home = { files: await context.files(), stateFolder: context.stateFolder() };
  const arcConfig = await loadTunnelConfig(flags.config, home);
  const log = await context.log({ level: chosenLevel(flags, level), format: flags['log-format'] });
  const ports = await accessPorts(await context.tunnelPorts(log), context);
  const warning = readableWarning(arcConfig);
  if (warning !== undefined) log.warn({}, warning);
  return {
    options: {
      config: planTunnel({ arcConfig, ...names }, ports),
      wait: flags.wait * 1000,
      force: flags.force,
      pid: process.pid,
      signal: await context.stopSignal(),
    },
    ports,
  };
}

export async function accessPorts(
  ports: TunnelPorts,
  context: SystemContext,
): Promise<AccessPorts> {
  return {
    ...ports,
    claims: await context.keyClaims(),
    connections: await context.localConnections(),
    localStreams: await context.localStreams(),
    boundSockets: await context.boundSockets(),
  };
}
