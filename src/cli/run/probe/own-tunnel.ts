/** The flags and the set-up of commands that open a tunnel of their own for a short time. */
import { loadTunnelConfig } from '../../../app/config/load-arc-config.js';
import {
  type OwnTunnelOptions,
  type OwnTunnelPorts,
  type TunnelAccess,
  withOwnTunnel,
} from '../../../app/probe/own-tunnel.js';
import type { HostNames } from '../../../proxy/dns/host-names.js';
import type { configFlag } from '../../flags/config-flag.js';
import type { FlagValues } from '../../flags/flag.js';
import { chosenLevel, logFlags } from '../../flags/log-flags.js';
import { proxyFlags, nameServers } from '../../flags/listeners/proxy-flags.js';
import { tunnelFlags } from '../../flags/tunnel-flags.js';
import type { SystemContext } from '../../system-context.js';
import type { TunnelContext } from '../../tunnel-context.js';

const { mode, wait, force } = tunnelFlags;

export const ownTunnelFlags = {
  mode,
  wait,
  dns: { ...proxyFlags.dns, helpGroup: 'Tunnel' },
  force,
  ...logFlags('warn'),
} as const;

type OwnTunnelChoice = FlagValues<typeof configFlag & typeof ownTunnelFlags>;

export type ProbeContext = SystemContext & Pick<TunnelContext, 'tunnelPorts'>;

/** An open tunnel, the name servers inside it, and the system. */
export interface Probe extends TunnelAccess {
  readonly ports: OwnTunnelPorts;
  readonly servers: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Runs a command with a tunnel that the flags describe.
 *
 * @throws UserError
 */
export async function runProbe<Result>(
  command: OwnTunnelOptions['command'],
  flags: OwnTunnelChoice,
  hosts: HostNames,
  context: ProbeContext,
  use: (probe: Probe) => Promise<Result>,
): Promise<Result> {
  const servers = nameServers(flags.dns);
  const home = { files: await context.files(), stateFolder: context.stateFolder() };
  const arcConfig = await loadTunnelConfig(flags.config, home);
  const log = await context.log({ level: chosenLevel(flags, 'warn'), format: flags['log-format'] });
  const ports = { ...(await context.tunnelPorts(log)), claims: await context.keyClaims() };
  const signal = await context.stopSignal();
  const { mode: wish, force: isForced } = flags;
  return withOwnTunnel(
    {
      command,
      tunnel: { arcConfig, nameServers: servers, hosts },
      mode: wish,
      wait: flags.wait * 1000,
      force: isForced,
      pid: process.pid,
      signal,
    },
    ports,
    ({ dialer, datagramDialer, echoDialer }) =>
      use({ dialer, datagramDialer, echoDialer, ports, servers, signal }),
  );
}
