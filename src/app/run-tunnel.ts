/** Keeps a tunnel and its listeners open until it is told to stop. */
import type { CommandRunner } from '../lib/command-runner.js';
import { UserError } from '../lib/user-error.js';
import { type Dialer, LaterDialer } from '../proxy/dialer.js';
import { type Forwarder, startForwarder } from '../proxy/forward/forwarder.js';
import type { MixedPort } from '../proxy/mixed/mixed-port.js';
import { Capture, captureHeader } from '../tunnel/capture.js';
import type { CaptureFile, PacketDevice, PacketDevices } from '../tunnel/ports.js';
import type { TunTunnel } from '../tunnel/tun-tunnel.js';
import type { TunnelConfig } from '../tunnel/tunnel-config.js';
import type { Tunnel } from '../tunnel/tunnel.js';
import type { TunnelPorts, UserspaceTunnel } from '../tunnel/userspace-tunnel.js';
import { planHooks } from './hooks.js';
import { startMetricLines } from './metric-lines.js';
import { openDevice } from './open-device.js';
import { openProxy, type ProxySettings } from './open-proxy.js';
import { openTunnel, type OpenTunnelOptions, planTunnel } from './open-tunnel.js';
import { openTun } from './open-tun.js';
import { Hooks } from './run-hooks.js';

export interface ForwardSettings {
  readonly listen: { readonly host: string; readonly port: number };
  /** IP text and port inside the tunnel. */
  readonly target: { readonly host: string; readonly port: number };
  readonly headers: readonly [name: string, value: string][];
}

export interface RunTunnelOptions extends OpenTunnelOptions {
  readonly signal: AbortSignal;
  readonly forward: ForwardSettings;
  /** The mixed port; undefined where it is off. */
  readonly proxy?: ProxySettings | undefined;
  /** What everything outside and inside of the tunnel is written to, where that is wanted. */
  readonly capture?: CaptureOptions | undefined;
  /** Called once, when the first handshake is complete. */
  readonly onUp: (up: TunnelUp) => void;
}

/** What there is now, according to the mode. */
export type TunnelUp = UserspaceUp | TunUp;

export interface UserspaceUp {
  readonly mode: 'userspace';
  /** Where the Arc server is. */
  readonly endpoint: string;
  /** The forwarder's URL. */
  readonly forward: string;
  /** The mixed port's address and port; undefined where there is none. */
  readonly proxy: string | undefined;
}

export interface TunUp {
  readonly mode: 'tun';
  /** Where the Arc server is. */
  readonly endpoint: string;
  /** The interface's name. */
  readonly interface: string;
}

export interface CaptureOptions {
  /** Makes a file with this header. It is asked for when nothing else can stand in the way. */
  readonly createFile: (header: readonly Uint8Array[]) => Promise<CaptureFile>;
  /** What the file says that it was made by. */
  readonly application: string;
}

export interface RunTunnelPorts extends TunnelPorts {
  readonly commands: CommandRunner;
  /** For mode tun, whose sockets have to take a mark; undefined where this system has none. */
  readonly devices?: PacketDevices | undefined;
}

/** Milliseconds after the stop for running exchanges to finish, and for what was sent to arrive. */
const GRACE = 5_000;

/**
 * Resolves after a stop, when everything is closed.
 *
 * @throws TunnelError when no handshake came in time, UserError when the port or the file of the
 *   capture cannot be had, or a command of arc.json fails
 */
export async function runTunnel(options: RunTunnelOptions, ports: RunTunnelPorts): Promise<void> {
  const { signal, arcConfig } = options;
  const config = planTunnel(options, ports);
  const { mode } = options;
  // Before the first command, for %i is the name that the system gave it.
  const device = mode === 'tun' ? openDevice(ports.devices, arcConfig.config.interface) : undefined;
  const hooks = new Hooks(planHooks(arcConfig.config, device?.name), ports, signal);
  try {
    try {
      await hooks.preUp();
      if (device === undefined) await keepOpen(options, ports, config, hooks);
      else await keepDeviceOpen(options, ports, config, { device, hooks });
    } finally {
      device?.close();
      await hooks.postDown();
    }
  } catch (error) {
    // A stop ends every wait with its reason: that is no failure.
    if (!(signal.aborted && error === signal.reason)) {
      hooks.logFailures();
      throw error;
    }
  }
  hooks.throwFailures();
}

async function keepOpen(
  options: RunTunnelOptions,
  ports: RunTunnelPorts,
  config: TunnelConfig,
  hooks: Hooks,
): Promise<void> {
  const { signal } = options;
  // The port first: a tunnel that is opened and given up would take the line from another.
  const later = new LaterDialer();
  const { forwarder, proxy } = await openListeners(options, later, ports);
  let tunnel: UserspaceTunnel | undefined;
  let capture: Capture | undefined;
  let stopMetrics: (() => void) | undefined;
  try {
    capture = await openCapture(options, ports, config);
    const opening = openTunnel(options, capture?.ports ?? ports);
    later.open(opening.then((opened) => opened.tunnel.dialer));
    const opened = await opening;
    tunnel = opened.tunnel;
    // Not behind the handshake: in soratun, too, the interface alone is there by then.
    await hooks.postUp();
    stopMetrics = startMetrics(options, tunnel, ports);
    await opened.handshake.catch((error: unknown) => {
      // Whoever waits at the forwarder is told what `up` ends with.
      if (!signal.aborted) opened.tunnel.giveUp();
      throw error;
    });
    options.onUp({
      mode: 'userspace',
      endpoint: await serverOf(tunnel),
      forward: forwarder.url,
      proxy: proxy?.authority,
    });
    await aborted(signal);
  } finally {
    await hooks.preDown();
    stopMetrics?.();
    const graceMs = signal.aborted ? GRACE : 0;
    const deadline = ports.clock.now() + graceMs;
    await Promise.all([forwarder.close({ graceMs }), proxy?.close({ graceMs })]);
    // What clients have sent before they closed may be on its way still.
    await tunnel?.close({ gracePeriod: Math.max(0, deadline - ports.clock.now()) });
    await capture?.close();
  }
}

/** The kernel's TCP/IP is above the interface: there is nothing to listen for here. */
async function keepDeviceOpen(
  options: RunTunnelOptions,
  ports: RunTunnelPorts,
  config: TunnelConfig,
  { device, hooks }: { readonly device: PacketDevice; readonly hooks: Hooks },
): Promise<void> {
  const { signal, wait } = options;
  let tunnel: TunTunnel | undefined;
  let capture: Capture | undefined;
  let stopMetrics: (() => void) | undefined;
  try {
    capture = await openCapture(options, ports, config);
    const deadline = wait === 0 ? Infinity : ports.clock.now() + wait;
    tunnel = await openTun(config, capture?.ports ?? ports, ports.devices, device);
    const gone = failWhenGone(tunnel);
    await hooks.postUp();
    stopMetrics = startMetrics(options, tunnel, ports, device.name);
    await Promise.race([tunnel.waitForHandshake(deadline, signal), gone]);
    options.onUp({
      mode: 'tun',
      endpoint: await serverOf(tunnel),
      interface: device.name,
    });
    await Promise.race([aborted(signal), gone]);
  } finally {
    await hooks.preDown();
    stopMetrics?.();
    await tunnel?.close();
    await capture?.close();
  }
}

async function serverOf(tunnel: Pick<Tunnel, 'status'>): Promise<string> {
  const { peers } = await tunnel.status();
  return peers[0]?.endpoint ?? '';
}

/** Rejects when somebody else has removed the interface: programs would send to nowhere. */
function failWhenGone({ gone, interfaceName }: TunTunnel): Promise<never> {
  const failure = gone.then((cause): never => {
    throw new UserError(
      'tunnel',
      {
        what: `the network interface ${interfaceName} is gone`,
        why: 'somebody has removed it',
        next: ['Start "arctun up" again, or have a service do it.'],
      },
      { cause },
    );
  });
  // Nobody may be waiting just then: a command of arc.json runs.
  failure.catch(() => undefined);
  return failure;
}

async function openCapture(
  { capture }: RunTunnelOptions,
  ports: TunnelPorts,
  config: TunnelConfig,
): Promise<Capture | undefined> {
  if (capture === undefined) return undefined;
  const { createFile, application } = capture;
  return new Capture(await createFile(captureHeader(config, application)), ports);
}

function startMetrics(
  { arcConfig: { config } }: RunTunnelOptions,
  tunnel: Pick<Tunnel, 'status'>,
  ports: TunnelPorts,
  interfaceName = config.interface,
): (() => void) | undefined {
  if (!config.enableMetrics) return undefined;
  return startMetricLines(tunnel, { simId: config.simId, interface: interfaceName }, ports);
}

async function openListeners(
  { forward, proxy }: RunTunnelOptions,
  dialer: Dialer,
  { log }: TunnelPorts,
): Promise<{ forwarder: Forwarder; proxy: MixedPort | undefined }> {
  const forwarder = await startForwarder({ ...forward, dialer, log });
  log.info({ url: forwarder.url }, 'forwarder listening');
  try {
    return { forwarder, proxy: proxy && (await openProxy(proxy, dialer, log)) };
  } catch (error) {
    await forwarder.close({ graceMs: 0 });
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
