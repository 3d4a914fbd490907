/** Keeps a tunnel open until the user or the system stops it. */
import { messageOf } from '../../lib/errors/error-message.js';
import { StoppedError } from '../../lib/errors/stopped-error.js';
import { whenAborted } from '../../lib/waits.js';
import type { Log } from '../../ports/log.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { InterfaceTunnels } from '../../tunnel/interface/interface-tunnel.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { refuseHooksOfOthers } from '../config/config-file-rights.js';
import { configNotices } from '../config/validate-config.js';
import { chooseMode, type ChosenMode, type ModePorts, type ModeWish } from './choose-mode.js';
import { claimSim, type ClaimSimPorts, type SimClaim } from './claim-sim.js';
import { type HookPorts, Hooks, planHooks } from './hooks.js';
import type { DnsSetup } from '../names/system-dns.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { openSystemDns } from './open-system-dns.js';
import { openTun } from './open-tun.js';
import { openUserspace, type UserspaceOptions } from './open-userspace.js';
import { planTunnel, type TunnelPlan } from './plan-tunnel.js';
import { removeKilledTunnel } from './remove-leftovers.js';
import type { OpenUserspace, RunningTunnel, SystemInterface } from './running-tunnel.js';
import { ServiceStates, type ServiceStatesOptions } from './service-states.js';
import type { SimUse } from './sim-use.js';
import {
  openTunnelServices,
  type TunnelServiceOptions,
  type TunnelServicePorts,
  type TunnelServices,
} from './tunnel-services.js';

export interface RunTunnelOptions extends UserspaceOptions {
  readonly tunnel: TunnelPlan;
  readonly mode: Omit<ModeWish, 'interfaceName' | 'source'>;
  readonly services: TunnelServiceOptions;
  /** How to set up the system's DNS for a network interface; undefined if not requested. */
  readonly dnsSetup?: DnsSetup | undefined;
  /** Whether to open the tunnel even if another process on this machine is using the SIM. */
  readonly force: boolean;
  /** How long to wait for the first handshake, in milliseconds; 0 waits forever. */
  readonly wait: number;
  readonly signal: AbortSignal;
  /** Called once, when the first handshake is complete. */
  readonly onUp: (up: TunnelUp) => void;
}

/** The details of the open tunnel, depending on the mode. */
export type TunnelUp = (OpenUserspace | SystemInterface) & {
  /** The address of the Arc server. */
  readonly endpoint: string;
  /** The SIM ID; empty if arc.json has none. */
  readonly simId: string;
  /** The control socket for `status` and `health`; undefined if no folder was usable. */
  readonly socket: string | undefined;
  /** The URL of the status pages; undefined if disabled. */
  readonly status: string | undefined;
  /** Why `auto` chose this mode; undefined if the user chose the mode. */
  readonly modeReason: string | undefined;
};

export interface RunTunnelPorts
  extends
    TunnelPorts,
    Omit<ModePorts, 'kernelTunnels'>,
    TunnelServicePorts,
    HookPorts,
    Pick<ClaimSimPorts, 'claims'>,
    Pick<ServiceStatesOptions, 'manager'> {
  /** See ModePorts. */
  readonly kernelTunnels?: (publicKey: Uint8Array) => Promise<InterfaceTunnels | undefined>;
}

/**
 * How long, in milliseconds, running exchanges may take to finish and sent data to arrive after a
 * stop.
 */
const GRACE = 5_000;

interface Run {
  readonly options: RunTunnelOptions;
  readonly ports: RunTunnelPorts;
  readonly config: TunnelConfig;
  readonly claim: SimClaim;
  /** What the claim tells other processes about this process. */
  readonly use: SimUse;
  readonly mode: ChosenMode;
  readonly hooks: Hooks;
  readonly states: ServiceStates;
}

/**
 * Runs the tunnel. Resolves after a stop, when everything is closed.
 *
 * @throws TunnelError if the handshake times out; StoppedError after SIGABRT
 * @throws UserError if the interface, a port or the capture file is unavailable, or if a command of
 * arc.json fails or could have been written by another user
 */
export async function runTunnel(options: RunTunnelOptions, ports: RunTunnelPorts): Promise<void> {
  const { arcConfig } = options.tunnel;
  refuseHooksOfOthers(arcConfig);
  const config = planTunnel(options.tunnel, ports);
  const use: SimUse = { command: 'up', pid: options.services.offer.pid };
  const claim = await claimOwnSim(config, use, options, ports);
  if (claim === undefined) return;
  try {
    logNotices(arcConfig, ports);
    // Create the interface before the first command, because %i is replaced by the interface's
    // name.
    const mode = await enterMode(config, options, ports);
    const hookPlan = planHooks(arcConfig.config, mode.device?.interfaceName);
    const hooks = new Hooks(hookPlan, ports, options.signal);
    const states = new ServiceStates(ports);
    const run = { options, ports, config, claim, use, mode, hooks, states };
    await keepOpen(run).catch((error: unknown) => {
      if (isStop(error, options.signal)) return;
      hooks.logFailures();
      throw error;
    });
    await releaseKillSwitch(run);
    hooks.throwFailures();
    throwFailingStop(options.signal);
  } finally {
    await claim.close();
  }
}

/** @returns undefined after a stop */
function claimOwnSim(
  { privateKey }: TunnelConfig,
  use: SimUse,
  { force, signal }: RunTunnelOptions,
  ports: RunTunnelPorts,
): Promise<SimClaim | undefined> {
  const publicKey = ports.crypto.publicKey(privateKey.expose());
  return claimSim({ publicKey, use: () => use, force, signal }, ports).catch((error: unknown) => {
    if (!isStop(error, signal)) throw error;
    throwFailingStop(signal);
    return undefined;
  });
}

function logNotices(arcConfig: LoadedArcConfig, ports: RunTunnelPorts): void {
  for (const { kind, text } of configNotices(arcConfig, ports)) {
    ports.log[kind === 'warning' ? 'warn' : 'debug']({}, text);
  }
}

async function enterMode(
  { allowedIps, privateKey }: TunnelConfig,
  { tunnel, mode, force }: RunTunnelOptions,
  ports: RunTunnelPorts,
): Promise<ChosenMode> {
  const { config, source } = tunnel.arcConfig;
  const publicKey = ports.crypto.publicKey(privateKey.expose());
  // With --force, another process may be using the key.
  if (!force) await removeKilledTunnel(publicKey, ports);
  const chosen = await chooseMode(
    { ...mode, interfaceName: config.interface, source },
    { ...ports, kernelTunnels: async () => ports.kernelTunnels?.(publicKey) },
  );
  const { device, reason } = chosen;
  if (reason !== undefined) {
    ports.log.info({ reason }, `mode ${device?.mode ?? 'userspace'}`);
  }
  const hasDefault = allowedIps.some(({ prefixLength }) => prefixLength === 0);
  if (tunnel.killSwitch === true && !hasDefault) {
    const why =
      'the tunnel does not have a default route. To block all traffic, add 0.0.0.0/0 to additionalAllowedIPs';
    ports.log.warn({}, `--kill-switch blocks only the allowed IPs: ${why}`);
  }
  return chosen;
}

/** Runs the tunnel, from the first command of arc.json to the last. */
async function keepOpen(run: Run): Promise<void> {
  const { options, ports, hooks, states } = run;
  const { signal } = options;
  let running: RunningTunnel | undefined;
  let services: TunnelServices | undefined;
  try {
    await hooks.preUp();
    running = await open(run);
    const handshake = startHandshakeWait(run, running);
    services = await openTunnelServices(options.services, served(run, running), ports);
    Object.assign(run.use, useOf(running, services));
    // Run postUp without waiting for the handshake, as in soratun.
    await hooks.postUp();
    await untilUp(run, running, services, handshake);
    await Promise.race([whenAborted(signal), running.failed]);
    await states.stopping();
  } catch (error) {
    // Notify before preDown and postDown, which may take minutes. A requested stop does not need a
    // reason.
    await states.stopping(isStop(error, signal) ? undefined : messageOf(error));
    throw error;
  } finally {
    await hooks.preDown();
    try {
      await services?.close();
    } finally {
      await close(run, running, services);
    }
  }
}

async function open({ options, ports, config, mode: { device } }: Run) {
  if (device === undefined) return openUserspace(options, config, ports);
  const running = await openTun(device, options, config, ports);
  const { interfaceName } = device;
  const { nameServers } = config;
  return openSystemDns(running, { ...options, nameServers, interfaceName }, ports);
}

/** Returns what other commands need to use the tunnel. */
function useOf({ up }: RunningTunnel, { socket }: TunnelServices): Partial<SimUse> {
  return up.mode === 'userspace'
    ? { forward: up.forward, socket }
    : { interface: up.interface, socket };
}

function startHandshakeWait(
  { options: { wait, signal }, ports: { clock } }: Run,
  { tunnel }: RunningTunnel,
): Promise<void> {
  const handshake = tunnel.waitForHandshake(wait === 0 ? Infinity : clock.now() + wait, signal);
  // postUp runs before this promise is awaited, so mark an early rejection as handled.
  handshake.catch(() => undefined);
  return handshake;
}

function served({ options, ports, config, claim, states }: Run, running: RunningTunnel) {
  const { tunnel, signal } = options;
  const plan = (arcConfig: LoadedArcConfig) => planTunnel({ ...tunnel, arcConfig }, ports);
  const onApplied = ({ privateKey }: TunnelConfig) =>
    claim.follow(ports.crypto.publicKey(privateKey.expose()));
  const { arcConfig } = tunnel;
  return { running, states, signal, arcConfig, tunnelConfig: config, plan, onApplied };
}

async function untilUp(
  { options, mode, states }: Run,
  running: RunningTunnel,
  services: TunnelServices,
  handshake: Promise<void>,
): Promise<void> {
  await Promise.race([handshake, running.failed]).catch((error: unknown) => {
    if (!options.signal.aborted) running.giveUp();
    throw services.explain(error);
  });
  const { peers } = await running.tunnel.status();
  states.ready();
  options.onUp({
    ...running.up,
    endpoint: peers[0]?.endpoint ?? '',
    simId: options.tunnel.arcConfig.config.simId,
    socket: services.socket,
    status: services.statusUrl,
    modeReason: mode.reason,
  });
}

async function close(
  { options, ports, mode, hooks }: Run,
  running: RunningTunnel | undefined,
  services: TunnelServices | undefined,
) {
  const { signal } = options;
  const graceMs = signal.aborted && services?.isTerminated !== true ? GRACE : 0;
  if (graceMs > 0 && running !== undefined) logWait(running, signal, ports.log);
  await running?.close(graceMs);
  await mode.device?.close();
  await hooks.postDown();
}

/** Logs the connections that delay a stop, if any. */
function logWait(running: RunningTunnel, { reason }: AbortSignal, log: Log): void {
  let open = (running.forwards?.active ?? 0) + (running.shared?.active ?? 0);
  for (const [name, { active }] of Object.entries(running.counters())) {
    // The DNS listener does not wait for its queries.
    if (name !== 'dns') open += active;
  }
  if (open === 0) return;
  const again =
    reason instanceof StoppedError && reason.signal === 'SIGINT'
      ? 'Press Ctrl-C again'
      : 'Send the signal again';
  const connections = open === 1 ? '1 open connection' : `${open} open connections`;
  log.info({}, `Waiting up to ${GRACE / 1000} s for ${connections}. ${again} to stop now.`);
}

/** Removes the kill switch after the user stops `up`, but not after a watchdog timeout. */
async function releaseKillSwitch({ options, ports, mode: { device } }: Run): Promise<void> {
  if (options.tunnel.killSwitch !== true || device === undefined) return;
  if (isFailure(options.signal.reason)) return;
  (await ports.interfaceLeftovers?.())?.remove(device.interfaceName);
}

/** True if the error is the reason for the stop, rather than the failure of an unfinished step. */
function isStop(error: unknown, { aborted: isAborted, reason }: AbortSignal): boolean {
  return isAborted && error === reason;
}

/** After a watchdog timeout, the process must fail so that the service manager restarts it. */
function throwFailingStop({ reason }: AbortSignal): void {
  if (isFailure(reason)) throw reason;
}

function isFailure(reason: unknown): reason is StoppedError {
  return reason instanceof StoppedError && reason.isFailure;
}
