/** Runs `up` with several configurations. */
import { loadTunnelConfig } from '../../app/config/load-arc-config.js';
import type { FleetListenerOptions } from '../../app/fleet/fleet-listeners.js';
import type { ConfigPlace } from '../../app/fleet/fleet-configs.js';
import { upCountText } from '../../app/fleet/fleet-member.js';
import { type FleetUp, runFleet, type RunFleetOptions } from '../../app/fleet/run-fleet.js';
import { cannotUse } from '../../lib/errors/user-error.js';
import { trafficBudget } from '../flags/budget-flag.js';
import { chosenLevel } from '../flags/log-flags.js';
import { dnsListen, hostNames } from '../flags/listeners/name-flags.js';
import { nameServers } from '../flags/listeners/proxy-flags.js';
import { mainTarget } from '../flags/listeners/forward-targets.js';
import { portForwards } from '../flags/listeners/port-forward-flags.js';
import { spoolSettings } from '../flags/spool-flags.js';
import { statusPageSettings } from '../flags/listeners/status-listen-flag.js';
import { tunnelOverrides } from '../flags/tunnel-flags.js';
import { renderJson, renderText } from '../output/render.js';
import { renewalPorts } from './renewal.js';
import type { Context } from '../context.js';
import type { UpLine } from '../flags/up-flags.js';
import type { Output } from '../output/output.js';

export interface UpSurroundings {
  readonly context: Context;
  readonly output: Output;
  readonly version: string;
}

/**
 * Runs the tunnels of all configurations. Resolves after a stop, when everything is closed.
 *
 * @param listeners the settings of the listeners, which all SIMs share
 * @throws UserError
 */
export async function runUpFleet(
  { flags }: UpLine,
  places: readonly ConfigPlace[],
  listeners: FleetListenerOptions,
  { context, output, version }: UpSurroundings,
): Promise<void> {
  refuseSingleFlags(flags);
  const overrides = tunnelOverrides(flags);
  const files = await context.files();
  const home = { files, stateFolder: context.stateFolder() };
  const log = await context.log({ level: chosenLevel(flags, 'warn'), format: flags['log-format'] });
  const options: RunFleetOptions = {
    places,
    ...listeners,
    plan: {
      overrides,
      congestion: flags.congestion,
      nameServers: nameServers(flags.dns),
      hosts: hostNames(flags),
      budget: trafficBudget(flags),
    },
    load: (path) => loadTunnelConfig(path, home, overrides),
    ...{ force: flags.force, pid: process.pid, version, folders: context.runFolders() },
    renewal: await renewalPorts(context, flags),
    pages: statusPageSettings(flags),
    wait: flags.wait * 1000,
    signal: await context.stopSignal(),
    reloads: await context.reloadRequests(),
    onUp: (up) => {
      const text = flags.json ? renderJson({ mode: 'userspace', ...up }) : upText(up, flags);
      if (flags.json || !flags.quiet) output.write(flags.json ? text : renderText(text));
      void context.tuneGarbageCollection();
    },
  };
  await runFleet(options, {
    ...(await context.tunnelPorts(log, flags.socket)),
    files,
    claims: await context.keyClaims(),
    listeners: await context.localListeners(),
    manager: await context.serviceManager(log),
  });
}

type UpFlags = UpLine['flags'];

/**
 * @throws UserError of kind `usage` for a flag that only one configuration supports
 */
function refuseSingleFlags(flags: UpFlags): void {
  const single: readonly (readonly [flag: string, isGiven: boolean])[] = [
    ['--mode', flags.mode === 'tun' || flags.mode === 'kernel'],
    ['--cleanup', flags.cleanup],
    ['--capture', flags.capture !== undefined],
    ['--dns-listen', dnsListen(flags) !== undefined],
    ['--spool', spoolSettings(flags) !== undefined],
    ['--local-forward and --remote-forward', portForwards(flags).length > 0],
  ];
  const [name] = single.find(([, isGiven]) => isGiven) ?? [];
  if (name === undefined) return;
  throw cannotUse(
    `${name} with several configurations`,
    'several SIMs run in userspace mode, and share the forwarder and the proxy',
    'Remove it, or run "arctun up" with one configuration.',
  );
}

function upText({ sims, ...up }: FleetUp, flags: UpFlags): string {
  const lines = [upCountText(sims)];
  for (const { name, isUp, problem } of sims) {
    if (!isUp) lines.push(`${name} is not up: ${problem ?? 'no handshake yet'}`);
  }
  lines.push(`${up.forward} forwards to ${mainTarget(flags)}, as the SIM in X-Arctun-Sim`);
  for (const { url, target } of up.furtherForwarders ?? []) {
    lines.push(`${url} forwards to ${target}, as the SIM in X-Arctun-Sim`);
  }
  if (up.proxy !== undefined) {
    lines.push(`SOCKS5 and HTTP proxy on ${up.proxy}; the user name is the name of the SIM`);
  }
  if (up.status !== undefined) lines.push(`Status page on ${up.status}`);
  return `${lines.join('\n')}\n`;
}
