/** Keeps a tunnel open until it is told to stop. */
import type { CommandRunner } from '../../ports/command-runner.js';
import { messageOf } from '../../lib/error-message.js';
import type { ServiceManager } from '../../ports/service-manager.js';
import { StoppedError } from '../../lib/stopped-error.js';
import { whenAborted } from '../../lib/waits.js';
import type { InterfaceTunnel } from '../../tunnel/interface/interface-tunnel.js';
import type { KeyClaims } from '../../ports/key-claims.js';
import type { Log } from '../../ports/log.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { claimSim, type SimClaim } from './claim-sim.js';
import { readableWarning, refuseHooksOfOthers } from '../config/config-file-rights.js';
import { chooseMode, type ModePorts } from './choose-mode.js';
import { planHooks } from './hooks.js';
import type { SystemInterface, RunningTunnel, UserspaceListeners } from './running-tunnel.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { openTun } from './open-tun.js';
import { type OpenTunnelOptions, planTunnel } from './open-tunnel.js';
import { openUserspace, type UserspaceOptions } from './open-userspace.js';
import { Hooks } from './run-hooks.js';
import type { SimUse } from './sim-use.js';
import { ServiceStates } from './service-states.js';
import { configNotices } from '../config/validate-config.js';
import {
  openTunnelServices,
  type TunnelServiceOptions,
  type TunnelServicePorts,
} from './tunnel-services.js';

export interface RunTunnelOptions
  extends OpenTunnelOptions, UserspaceOptions, TunnelServiceOptions {
  readonly signal: AbortSignal;
  /** What was asked for that userspace alone has, as `--port`. */
  readonly userspaceFlag?: string | undefined;
  /** Another process of this machine may use the SIM. */
  readonly force: boolean;
  /** Called once, when the first handshake is complete. */
  readonly onUp: (up: TunnelUp) => void;
}

/** What there is now, according to the mode. */
export type TunnelUp = (UserspaceListeners | SystemInterface) & {
  /** Where the Arc server is. */
  readonly endpoint: string;
  /** Empty if arc.json has none. */
  readonly simId: string;
  /** Where `status` and `health` ask; undefined if no folder took a socket. */
  readonly socket: string | undefined;
  /** Why this mode and not the other; undefined where it was asked for. */
  readonly modeReason: string | undefined;
};

export interface RunTunnelPorts extends TunnelPorts, ModePorts, TunnelServicePorts {
  readonly claims: KeyClaims;
  readonly commands: CommandRunner;
  /** Who has started us as a service; undefined for nobody. */
  readonly manager: ServiceManager | undefined;
}

/** Milliseconds after the stop for running exchanges to finish, and for what was sent to arrive. */
const GRACE = 5_000;

/**
 * Resolves after a stop, when everything is closed.
 *
 * @throws TunnelError when no handshake came in time, UserError when the interface, a port or the file
 *   of the capture cannot be had, or a command of arc.json fails or could be someone else's;
 *   StoppedError after SIGABRT
 */
export async function runTunnel(options: RunTunnelOptions, ports: RunTunnelPorts): Promise<void> {
  const { signal, force, offer } = options;
  refuseHooksOfOthers(options.arcConfig);
  const tunnelConfig = planTunnel(options, ports);
  const publicKey = ports.crypto.publicKey(tunnelConfig.privateKey.expose());
  let up: RunningTunnel['up'] | undefined;
  const use = () => ({ command: 'up' as const, pid: offer.pid, ...(up && reachOf(up)) });
  const claim = await claimSim({ publicKey, use, force, signal }, ports).catch(unlessStopped);
  if (claim === undefined) return;
  const onOpen = (kept: RunningTunnel) => (up = kept.up);
  try {
    await runClaimed({ options, ports, tunnelConfig, claim, onOpen });
  } finally {
    await claim.close();
  }

  /** A stop ends every wait with its reason. That is no failure unless a watchdog sent it. */
  function unlessStopped(error: unknown): undefined {
    const isStop = signal.aborted && error === signal.reason;
    if (isStop && !(error instanceof StoppedError && error.isFailure)) return undefined;
    throw error;
  }
}

/** Where other programs reach the tunnel. */
function reachOf(up: RunningTunnel['up']): Pick<SimUse, 'forward' | 'interface'> {
  return up.mode === 'tun' ? { interface: up.interface } : { forward: up.forward };
}

interface ClaimedRun {
  readonly options: RunTunnelOptions;
  readonly ports: RunTunnelPorts;
  readonly tunnelConfig: TunnelConfig;
  readonly claim: SimClaim;
  readonly onOpen: (kept: RunningTunnel) => void;
}

async function runClaimed(claimed: ClaimedRun): Promise<void> {
  const { options, ports, tunnelConfig } = claimed;
  const { signal, mode, userspaceFlag } = options;
  const { config } = options.arcConfig;
  const warning = readableWarning(options.arcConfig);
  if (warning !== undefined) ports.log.warn({}, warning);
  for (const { kind, text } of configNotices(options.arcConfig, ports)) {
    ports.log[kind === 'warning' ? 'warn' : 'debug']({}, text);
  }
  // Before the first command, for %i is the name that the system gave it.
  const wish = { mode, interfaceName: config.interface, userspaceFlag };
  const { device, reason } = await chooseMode(wish, ports);
  if (reason !== undefined) {
    ports.log.info({ reason }, `mode ${device === undefined ? 'userspace' : 'tun'}`);
  }
  if (options.killSwitch === true && !tunnelConfig.allowedIps.some(isDefault)) {
    const why = 'no default route leads into the tunnel: add 0.0.0.0/0 to additionalAllowedIPs';
    ports.log.warn({}, `--kill-switch blocks the allowed IPs alone: ${why}`);
  }
  const hooks = new Hooks(planHooks(config, device?.interfaceName), ports, signal);
  const states = openStates(ports);
  const open = () =>
    device === undefined
      ? openUserspace(options, tunnelConfig, ports)
      : openTun(device, options, tunnelConfig, ports);
  try {
    await keepOpen({ ...claimed, hooks, states, device, reason }, open);
  } catch (error) {
    // A stop ends every wait with its reason: that is no failure.
    if (!(signal.aborted && error === signal.reason)) {
      hooks.logFailures();
      throw error;
    }
  }
  await openKillSwitch(options, ports, device);
  hooks.throwFailures();
  // A service manager that restarts after failures must see one: its watchdog has ended us.
  const stop: unknown = signal.reason;
  if (stop instanceof StoppedError && stop.isFailure) throw stop;
}

interface Run extends ClaimedRun {
  readonly hooks: Hooks;
  readonly states: ServiceStates;
  readonly device: InterfaceTunnel | undefined;
  readonly reason: string | undefined;
}

async function keepOpen(run: Run, open: () => Promise<RunningTunnel>): Promise<void> {
  const { hooks, device } = run;
  const { signal } = run.options;
  let kept: RunningTunnel | undefined;
  try {
    await hooks.preUp();
    kept = await open();
    run.onOpen(kept);
    await attend(run, kept);
  } catch (error) {
    await announceEnd(run, error);
    throw error;
  } finally {
    if (signal.aborted && kept !== undefined) announceWait(kept, signal, run.ports.log);
    await kept?.close(signal.aborted ? GRACE : 0);
    await device?.close();
    await hooks.postDown();
  }
}

/** Logs what a stop waits for; says nothing if nothing is open. */
function announceWait(kept: RunningTunnel, { reason }: AbortSignal, log: Log): void {
  let open = 0;
  for (const { active } of Object.values(kept.counters())) open += active;
  if (open === 0) return;
  const again =
    reason instanceof StoppedError && reason.signal === 'SIGINT'
      ? 'Press Ctrl-C again'
      : 'Send the signal again';
  const connections = open === 1 ? '1 open connection' : `${open} open connections`;
  log.info({}, `Waiting up to ${GRACE / 1000} s for ${connections}. ${again} to stop at once.`);
}

/** While the tunnel is open: until the stop, or until it fails. */
async function attend(run: Run, kept: RunningTunnel): Promise<void> {
  const { options, ports, hooks, states, reason } = run;
  const { signal, wait } = options;
  const { tunnel, failed } = kept;
  const deadline = wait === 0 ? Infinity : ports.clock.now() + wait;
  const handshake = tunnel.waitForHandshake(deadline, signal);
  // The commands come first; a failure that is earlier is not unhandled.
  handshake.catch(() => undefined);
  const plan = (arcConfig: LoadedArcConfig) => planTunnel({ ...options, arcConfig }, ports);
  const onApplied = ({ privateKey }: TunnelConfig) =>
    run.claim.follow(ports.crypto.publicKey(privateKey.expose()));
  const served = { kept, states, plan, onApplied };
  const services = await openTunnelServices(options, served, ports);
  try {
    // Not behind the handshake: in soratun, too, the interface alone is there by then.
    await hooks.postUp();
    await Promise.race([handshake, failed]).catch((error: unknown) => {
      if (!signal.aborted) kept.giveUp();
      throw services.explain(error);
    });
    const { peers } = await tunnel.status();
    states.ready();
    const { simId } = options.arcConfig.config;
    const endpoint = peers[0]?.endpoint ?? '';
    options.onUp({ ...kept.up, endpoint, simId, socket: services.socket, modeReason: reason });
    await Promise.race([whenAborted(signal), failed]);
    await states.stopping();
  } catch (error) {
    await announceEnd(run, error);
    throw error;
  } finally {
    await hooks.preDown();
    await services.close();
  }
}

/**
 * Tells the service manager first of all that the service ends: the commands of the way down may take
 * minutes. A stop that was asked for has no reason to show.
 */
async function announceEnd({ options: { signal }, states }: Run, error: unknown): Promise<void> {
  const isStop = signal.aborted && error === signal.reason;
  await states.stopping(isStop ? undefined : messageOf(error));
}

/** A stop that was asked for lets messages leave by other routes again. That of a watchdog does not. */
async function openKillSwitch(
  { killSwitch, signal: { reason } }: RunTunnelOptions,
  { interfaceLeftovers }: RunTunnelPorts,
  device: InterfaceTunnel | undefined,
): Promise<void> {
  if (killSwitch !== true || device === undefined) return;
  if (reason instanceof StoppedError && reason.isFailure) return;
  (await interfaceLeftovers?.())?.remove(device.interfaceName);
}

/** The life of a service. Before there is a tunnel, that we turn is all that there is to know. */
function openStates({ manager, clock, wallClock }: RunTunnelPorts): ServiceStates {
  return new ServiceStates({ manager, clock, wallClock });
}

function isDefault({ prefixLength }: { readonly prefixLength: number }): boolean {
  return prefixLength === 0;
}
