/** Keeps a tunnel open until it is told to stop. */
import type { CommandRunner } from '../lib/command-runner.js';
import type { DeviceTunnel } from '../tunnel/device-tunnel.js';
import type { LocalListeners } from '../tunnel/ports.js';
import type { TunnelPorts } from '../tunnel/userspace-tunnel.js';
import { chooseMode, type ModePorts } from './choose-mode.js';
import { planHooks } from './hooks.js';
import type { DeviceInterface, KeptTunnel, UserspaceListeners } from './kept-tunnel.js';
import { startMetricLines } from './metric-lines.js';
import { offerStatus, type OfferStatusOptions, type StatusOffer } from './offer-status.js';
import { openTun } from './open-tun.js';
import { type OpenTunnelOptions, planTunnel } from './open-tunnel.js';
import { openUserspace, type UserspaceOptions } from './open-userspace.js';
import { Hooks } from './run-hooks.js';
import { openUapiSocket } from './uapi-socket.js';

export interface RunTunnelOptions extends OpenTunnelOptions, UserspaceOptions {
  readonly signal: AbortSignal;
  /** What was asked for that userspace alone has, as `--port`. */
  readonly userspaceFlag?: string | undefined;
  /** Who asks how the tunnel does, and where. */
  readonly offer: Pick<OfferStatusOptions, 'version' | 'pid' | 'folders' | 'statusListen'>;
  /** Called once, when the first handshake is complete. */
  readonly onUp: (up: TunnelUp) => void;
}

/** What there is now, according to the mode. */
export type TunnelUp = (UserspaceListeners | DeviceInterface) & {
  /** Where the Arc server is. */
  readonly endpoint: string;
  /** Why this mode and not the other; undefined where it was asked for. */
  readonly modeReason: string | undefined;
};

export interface RunTunnelPorts extends TunnelPorts, ModePorts {
  readonly commands: CommandRunner;
  readonly listeners: LocalListeners;
}

/** Milliseconds after the stop for running exchanges to finish, and for what was sent to arrive. */
const GRACE = 5_000;

/**
 * Resolves after a stop, when everything is closed.
 *
 * @throws TunnelError when no handshake came in time, UserError when the interface, a port or the file
 *   of the capture cannot be had, or a command of arc.json fails
 */
export async function runTunnel(options: RunTunnelOptions, ports: RunTunnelPorts): Promise<void> {
  const { signal, mode, userspaceFlag } = options;
  const { config } = options.arcConfig;
  const tunnelConfig = planTunnel(options, ports);
  // Before the first command, for %i is the name that the system gave it.
  const wish = { mode, interfaceName: config.interface, userspaceFlag };
  const { device, reason } = await chooseMode(wish, ports);
  if (reason !== undefined) {
    ports.log.info({ reason }, `mode ${device === undefined ? 'userspace' : 'tun'}`);
  }
  const hooks = new Hooks(planHooks(config, device?.interfaceName), ports, signal);
  const open = () =>
    device === undefined
      ? openUserspace(options, tunnelConfig, ports)
      : openTun(device, options, tunnelConfig, ports);
  try {
    await keepOpen({ options, ports, hooks, device, reason }, open);
  } catch (error) {
    // A stop ends every wait with its reason: that is no failure.
    if (!(signal.aborted && error === signal.reason)) {
      hooks.logFailures();
      throw error;
    }
  }
  hooks.throwFailures();
}

interface Run {
  readonly options: RunTunnelOptions;
  readonly ports: RunTunnelPorts;
  readonly hooks: Hooks;
  readonly device: DeviceTunnel | undefined;
  readonly reason: string | undefined;
}

async function keepOpen(run: Run, open: () => Promise<KeptTunnel>): Promise<void> {
  const { hooks, device } = run;
  const { signal } = run.options;
  let kept: KeptTunnel | undefined;
  try {
    await hooks.preUp();
    kept = await open();
    await attend(run, kept);
  } finally {
    await kept?.close(signal.aborted ? GRACE : 0);
    await device?.close();
    await hooks.postDown();
  }
}

/** While the tunnel is open: until the stop, or until it fails. */
async function attend(run: Run, kept: KeptTunnel): Promise<void> {
  const { options, ports, hooks, reason } = run;
  const { signal, wait } = options;
  const { tunnel, failed } = kept;
  const deadline = wait === 0 ? Infinity : ports.clock.now() + wait;
  const handshake = tunnel.waitForHandshake(deadline, signal);
  // The commands come first; a failure that is earlier is not unhandled.
  handshake.catch(() => undefined);
  const services = await openServices(run, kept);
  try {
    // Not behind the handshake: in soratun, too, the interface alone is there by then.
    await hooks.postUp();
    await Promise.race([handshake, failed]).catch((error: unknown) => {
      if (!signal.aborted) kept.giveUp();
      throw error;
    });
    const { peers } = await tunnel.status();
    options.onUp({ ...kept.up, endpoint: peers[0]?.endpoint ?? '', modeReason: reason });
    await Promise.race([aborted(signal), failed]);
  } finally {
    await hooks.preDown();
    await services.close();
  }
}

/** What serves others beside the tunnel. */
async function openServices(
  { options, ports }: Run,
  kept: KeptTunnel,
): Promise<{ close(): Promise<void> }> {
  const { config } = options.arcConfig;
  const name = kept.up.mode === 'tun' ? kept.up.interface : config.interface;
  const uapi = await openUapiSocket(kept, name, ports);
  const status = await openStatus(options, kept, uapi && name, ports).catch(
    async (error: unknown) => {
      await uapi?.close();
      throw error;
    },
  );
  const stopMetrics = config.enableMetrics
    ? startMetricLines(kept.tunnel, { simId: config.simId, interface: name }, ports)
    : undefined;
  return {
    close: async () => {
      stopMetrics?.();
      await Promise.all([uapi?.close(), status.close()]);
    },
  };
}

function openStatus(
  { arcConfig, offer, signal }: RunTunnelOptions,
  { tunnel, up, counters }: KeptTunnel,
  uapiName: string | undefined,
  ports: RunTunnelPorts,
): Promise<StatusOffer> {
  const { config } = arcConfig;
  const isTun = up.mode === 'tun';
  return offerStatus(
    {
      ...offer,
      signal,
      tunnel: () => tunnel,
      interfaceName: isTun ? up.interface : config.interface,
      simId: config.simId,
      uapiName,
      listeners: () => (isTun ? {} : { forward: up.forward, proxy: up.proxy }),
      counters,
    },
    ports,
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
