/** Runs the command `up`. */
import { verboseWgConfig } from '../../app/config/export-wg-config.js';
import { configForwards } from '../../app/config/config-forwards.js';
import { type LoadedArcConfig, loadTunnelConfig } from '../../app/config/load-arc-config.js';
import { fleetPlaces } from '../../app/fleet/fleet-configs.js';
import type { FleetListenerOptions } from '../../app/fleet/fleet-listeners.js';
import { removeLeftDns } from '../../app/names/system-dns.js';
import { requireOtherPorts, withPortHolder } from '../../app/up/port-taken.js';
import { removeLeftovers } from '../../app/up/remove-leftovers.js';
import type { ForwarderSpool } from '../../app/spool/forwarder-spool.js';
import { runTunnel, type RunTunnelPorts, type TunnelUp } from '../../app/up/run-tunnel.js';
import type { OpenUserspace, SystemInterface } from '../../app/up/running-tunnel.js';
import type { ModePorts } from '../../app/up/choose-mode.js';
import type { ListenAddress } from '../../proxy/listen-address.js';
import type { PortForward } from '../../proxy/port-forward/port-forward.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import type { TunnelServiceOptions } from '../../app/up/tunnel-services.js';
import { captureOptions, refuseKernelCapture } from './capture.js';
import type { Context } from '../context.js';
import { forwardSettings } from '../flags/listeners/forward-flags.js';
import { furtherForwards, mainTarget } from '../flags/listeners/forward-targets.js';
import { refuseInterfaceBudget, trafficBudget } from '../flags/budget-flag.js';
import { chosenLevel, configuredLogLevel } from '../flags/log-flags.js';
import { requireInterfaceForKillSwitch } from '../flags/tunnel-flags.js';
import { spoolSettings, warnOfUnusedSpool } from '../flags/spool-flags.js';
import { forwardText } from '../output/forward-text.js';
import type { Output } from '../output/output.js';
import { tunnelOverrides } from '../flags/tunnel-flags.js';
import { dnsSetup, refuseUnusedDomains } from '../flags/listeners/dns-setup-flags.js';
import { dnsListen, hostNames } from '../flags/listeners/name-flags.js';
import { nameServers, type ProxyPlace, proxyPlace } from '../flags/listeners/proxy-flags.js';
import { renderJson, renderText } from '../output/render.js';
import { proxySettings } from './proxy-settings.js';
import { renewalPorts } from './renewal.js';
import { statusListen, statusPageSettings } from '../flags/listeners/status-listen-flag.js';
import { portForwards } from '../flags/listeners/port-forward-flags.js';
import { refuseSecondSource } from '../flags/config-flags.js';
import { type PassedListeners, passedListeners } from '../flags/listeners/passed-listeners.js';
import {
  refuseUserspaceFlags,
  userspaceFlag,
  userspaceVariable,
} from '../flags/listeners/userspace-flags.js';
import type { UpLine } from '../flags/up-flags.js';
import type { UpSurroundings } from './run-fleet.js';

/**
 * Runs the tunnel. Resolves after a stop, when everything is closed.
 *
 * @throws UserError
 */
export async function runUp(line: UpLine, surroundings: UpSurroundings): Promise<void> {
  const { context } = surroundings;
  const passed = passedListeners(await context.passedSockets(), line.flags, context.env);
  requirePorts(line, passed, context.env);
  try {
    await openUp(line, { ...surroundings, passed });
  } catch (error) {
    throw await withPortHolder(error, await context.portHolder());
  }
}

/**
 * Checks the listeners' ports for conflicts, unless the tunnel may use an interface. With an
 * interface, the status pages are the only listener.
 */
function requirePorts(
  { flags, tokens }: UpLine,
  passed: PassedListeners,
  env: Context['env'],
): void {
  if (flags.mode !== 'userspace' && userspaceFlag(tokens) === undefined) return;
  const { forward, furtherForwards: further } = forwarderSettings(flags, passed);
  const proxy = proxyPlace(flags, env, passed.proxy);
  const proxyListen = portOf(proxy?.listen);
  const locals = tcpListens(portForwards(flags)).map((listen) => ({
    flag: '--local-forward',
    listen,
  }));
  // The proxy's default port is optional, but the proxy would take it from a local forward.
  requireOtherPorts([{ flag: '--proxy-listen', listen: proxyListen }, ...further, ...locals]);
  requireOtherPorts([
    { flag: forward.flag, listen: portOf(forward.listen) },
    ...further,
    { flag: '--proxy-listen', listen: proxy?.isAskedFor === true ? proxyListen : undefined },
    { flag: '--dns-listen', listen: dnsListen(flags) },
    { flag: '--status-listen', listen: statusListen(flags) },
    ...locals,
  ]);
}

/** Returns a listener's port; undefined if the listener has none, or if systemd has opened it. */
function portOf(listen: ProxyPlace['listen'] | undefined): ListenAddress | undefined {
  return listen !== undefined && 'port' in listen ? listen : undefined;
}

/** Returns the TCP ports of local forwards. */
function tcpListens(forwards: readonly PortForward[]): ListenAddress[] {
  return forwards.flatMap((forward) =>
    forward.kind === 'local' && forward.protocol === 'tcp' && !('path' in forward.listen)
      ? [forward.listen]
      : [],
  );
}

function forwarderSettings(flags: UpLine['flags'], passed: PassedListeners) {
  const forward = forwardSettings(flags, passed.forward);
  const further = furtherForwards(flags, forward);
  return { forward, furtherForwards: further, resends: !flags['no-resend'] };
}

interface Opening extends UpSurroundings {
  /** The sockets of the service manager. */
  readonly passed: PassedListeners;
}

/** How this machine, or its programs, look up names inside the tunnel. */
function nameSettings(flags: UpLine['flags']) {
  return { dnsListen: dnsListen(flags), dnsSetup: dnsSetup(flags) };
}

/** @throws UserError of kind `usage` for flags that contradict each other */
function refuseConflicts({ flags, tokens }: UpLine): void {
  if (flags['read-stdin']) refuseSecondSource('--read-stdin', tokens);
  requireInterfaceForKillSwitch(flags);
  refuseInterfaceBudget(flags);
  refuseUserspaceFlags(tokens, flags.mode, flags['dns-setup']);
  refuseUnusedDomains(tokens, flags);
  refuseKernelCapture(flags);
}

/** @returns false if there is one configuration; otherwise, `up` has ended */
async function runSeveral(
  line: UpLine,
  listeners: FleetListenerOptions,
  surroundings: UpSurroundings,
): Promise<boolean> {
  if (line.flags['read-stdin']) return false;
  const files = await surroundings.context.files();
  const places = await fleetPlaces(configs(line.flags), files);
  if (places === undefined) return false;
  const { runUpFleet } = await import('./run-fleet.js');
  await runUpFleet(line, places, listeners, surroundings);
  return true;
}

function configs({ config }: UpLine['flags']): readonly string[] {
  return config;
}

async function openUp(line: UpLine, surroundings: Opening): Promise<void> {
  const { flags, tokens } = line;
  const { context, output, version, passed } = surroundings;
  refuseConflicts(line);
  const settings = { ...forwarderSettings(flags, passed), ...nameSettings(flags) };
  const proxy = await proxySettings(flags, context, passed.proxy);
  const fromFlags = portForwards(flags);
  const names = { nameServers: nameServers(flags.dns), hosts: hostNames(flags) };
  const pages = statusPageSettings(flags);
  const overrides = tunnelOverrides(flags);
  const home = { files: await context.files(), stateFolder: context.stateFolder() };
  const load = (value: string | Uint8Array) => loadTunnelConfig(value, home, overrides);
  if (await runSeveral(line, { ...settings, proxy }, surroundings)) return;
  const [value = ''] = configs(flags);
  const arcConfig = await load(flags['read-stdin'] ? await context.readStdin() : value);
  if (flags.cleanup) return cleanUp(arcConfig, surroundings);
  context.dump?.(verboseWgConfig(arcConfig, overrides));
  const level = chosenLevel(flags, configuredLogLevel(arcConfig.config.logLevel));
  const log = await context.log({ level, format: flags['log-format'] });
  warnOfUnusedSpool(flags, log);
  const ports = await context.tunnelPorts(log, flags.socket);
  const forwards = [...configForwards(arcConfig, flags, log), ...fromFlags];
  await runTunnel(
    {
      tunnel: {
        arcConfig,
        overrides,
        congestion: flags.congestion,
        ...names,
        killSwitch: flags['kill-switch'],
        budget: trafficBudget(flags),
      },
      mode: { mode: flags.mode, userspaceFlag: userspaceWish(tokens, context, forwards, passed) },
      ...settings,
      forwards,
      proxy,
      force: flags.force,
      wait: flags.wait * 1000,
      signal: await context.stopSignal(),
      openSpool: await spoolOpener(flags, context, ports),
      services: {
        updates: await updateOptions(flags, context, () => load(value)),
        offer: { ...pages, version, pid: process.pid, folders: context.runFolders() },
      },
      capture: captureOptions(flags.capture, context, log, (line) => output.note(line)),
      onUp: (up) => settleUp(up, flags, surroundings),
    },
    {
      ...ports,
      claims: await context.keyClaims(),
      commands: await context.commands(),
      manager: await context.serviceManager(log),
      listeners: await context.localListeners(),
      ...interfacePorts(context, ports),
    },
  );
}

/** Shows that the tunnel is up, and limits the memory of a process that will run for long. */
function settleUp(
  up: Parameters<typeof showUp>[0],
  flags: UpLine['flags'],
  { context, output }: UpSurroundings,
): void {
  showUp(up, flags, output);
  void context.tuneGarbageCollection();
  // The other modes were not measured with this limit.
  if (up.mode === 'userspace') void context.limitYoungGeneration();
}

/** @returns undefined if no spool is requested */
async function spoolOpener(
  flags: UpLine['flags'],
  context: Context,
  ports: TunnelPorts,
): Promise<(() => Promise<ForwarderSpool>) | undefined> {
  const settings = spoolSettings(flags);
  if (settings === undefined) return undefined;
  const resends = !flags['no-resend'];
  const wait = flags.wait === 0 ? Infinity : flags.wait * 1000;
  const signal = await context.stopSignal();
  const claims = await context.keyClaims();
  const options = { settings, pid: process.pid, wait, signal, resends };
  const openFolder = (path: string) => context.openSpoolFolder(path);
  const { ForwarderSpool } = await import('../../app/spool/forwarder-spool.js');
  return () => ForwarderSpool.open(options, { ...ports, claims, openFolder });
}

/** Returns what requests userspace mode: a flag, a variable, a passed socket, or port forwards in arc.json. */
function userspaceWish(
  tokens: UpLine['tokens'],
  { env }: Pick<Context, 'env'>,
  forwards: readonly PortForward[],
  passed: PassedListeners,
): string | undefined {
  const wish = userspaceFlag(tokens) ?? userspaceVariable(env);
  if (wish !== undefined) return wish;
  if (passed.forward !== undefined || passed.proxy !== undefined) return 'socket activation';
  return forwards.length > 0 ? 'forwards' : undefined;
}

async function updateOptions(
  flags: UpLine['flags'],
  context: Context,
  reread: () => Promise<LoadedArcConfig>,
): Promise<TunnelServiceOptions['updates']> {
  return {
    reread: flags['read-stdin'] ? undefined : reread,
    reloads: await context.reloadRequests(),
    renewal: await renewalPorts(context, flags),
  };
}

function interfacePorts(
  context: Context,
  ports: TunnelPorts,
): Omit<ModePorts, 'kernelTunnels'> & Pick<RunTunnelPorts, 'kernelTunnels'> {
  return {
    interfaceObstacle: (name) => context.interfaceObstacle(name),
    interfaceLeftovers: () => context.interfaceLeftovers(),
    whyNoInterfaces: () => context.whyNoInterfaces(),
    kernelTunnels: (publicKey) => context.kernelTunnels(ports, publicKey),
    deviceTunnels: () => context.deviceTunnels(ports),
  };
}

function showUp(up: TunnelUp, flags: UpLine['flags'], output: Output): void {
  if (up.modeReason !== undefined && !flags.quiet) {
    output.note(`Mode ${up.mode}: ${up.modeReason}.`);
  }
  if (flags.json) output.write(renderJson(upJson(up)));
  else if (!flags.quiet) output.write(renderText(upText(up, mainTarget(flags))));
}

async function cleanUp(
  arcConfig: LoadedArcConfig,
  { context, output }: UpSurroundings,
): Promise<void> {
  const removed = removeLeftovers(arcConfig, await context.interfaceLeftovers());
  await removeLeftDns(arcConfig.config.interface, { commands: await context.commands() });
  output.note(`Removed ${removed} routes and rules that an earlier "up" left behind.`);
}

function upJson({ modeReason, ...up }: TunnelUp): object {
  return {
    ...up,
    ...(up.mode === 'userspace' && { proxy: up.proxy ?? null }),
    ...(modeReason !== undefined && { modeReason }),
  };
}

function upText(up: TunnelUp, target: string): string {
  const lines = up.mode === 'userspace' ? userspaceLines(up, target) : [interfaceLine(up)];
  if (up.status !== undefined) lines.push(`Status page on ${up.status}`);
  return `${lines.join('\n')}\n`;
}

function interfaceLine({ endpoint, ...up }: TunnelUp & SystemInterface): string {
  return `Tunnel to ${endpoint} is up on ${up.interface}`;
}

function userspaceLines(up: TunnelUp & OpenUserspace, target: string): string[] {
  const lines = [`Tunnel to ${up.endpoint} is up; ${up.forward} forwards to ${target}`];
  const further = up.furtherForwarders ?? [];
  lines.push(...further.map((forwarder) => `${forwarder.url} forwards to ${forwarder.target}`));
  if (up.proxy !== undefined) lines.push(`SOCKS5 and HTTP proxy on ${up.proxy}`);
  for (const forward of up.forwards ?? []) lines.push(`Forwarding ${forwardText(forward)}`);
  if (up.dns !== undefined) lines.push(`DNS on ${up.dns}`);
  return lines;
}
