/** Opens a tunnel in userspace with its listeners. */
import { UserError } from '../../lib/errors/user-error.js';
import { type Dialer, LaterDialer } from '../../proxy/dialer.js';
import { startForwarder } from '../../proxy/forward/forwarder.js';
import type { HttpListener } from '../../proxy/http/listener.js';
import type { BrowserPolicy } from '../../proxy/http/browser-check.js';
import { startMixedPort } from '../../proxy/mixed/mixed-port.js';
import { Capture, type CaptureOptions } from '../../tunnel/capture/capture.js';
import type { Log } from '../../ports/log.js';
import type { TunnelConfig } from '../../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../../tunnel/tunnel-ports.js';
import { UserspaceTunnel } from '../../tunnel/userspace-tunnel.js';
import type { RunningTunnel } from './running-tunnel.js';

export interface ForwardSettings {
  readonly listen: { readonly host: string; readonly port: number };
  /** IP text and port inside the tunnel. */
  readonly target: { readonly host: string; readonly port: number };
  readonly headers: readonly [name: string, value: string][];
  /** What browsers may send. */
  readonly browsers?: BrowserPolicy;
}

export interface ProxySettings {
  readonly listen: { readonly host: string; readonly port: number };
  /** Whether the user has named the port. */
  readonly isAskedFor: boolean;
}

export interface UserspaceOptions {
  readonly forward: ForwardSettings;
  /** The mixed port; undefined where it is off. */
  readonly proxy?: ProxySettings | undefined;
  /** What everything outside and inside of the tunnel is written to, where that is wanted. */
  readonly capture?: CaptureOptions | undefined;
}

/** Nothing outside of a tunnel in userspace can end it. */
const NEVER = new Promise<never>(() => undefined);

/**
 * Opens the listeners, then the tunnel, and starts its handshake.
 *
 * @throws UserError when a port or the file of the capture cannot be had
 */
export async function openUserspace(
  options: UserspaceOptions,
  config: TunnelConfig,
  ports: TunnelPorts,
): Promise<RunningTunnel> {
  // The port first: a tunnel that is opened and given up would take the line from another.
  const later = new LaterDialer();
  const { forwarder, proxy } = await openListeners(options, later, ports.log);
  const closeListeners = async (graceMs: number) => {
    await Promise.all([forwarder.close({ graceMs }), proxy?.close({ graceMs })]);
  };
  let capture: Capture | undefined;
  try {
    capture = options.capture && (await Capture.open(options.capture, ports, config));
    const opening = UserspaceTunnel.open(config, capture?.ports ?? ports, {
      watchForRivals: true,
    });
    later.open(opening.then(({ dialer }) => dialer));
    const tunnel = await opening;
    return {
      tunnel,
      failed: NEVER,
      up: { mode: 'userspace', forward: forwarder.url, proxy: proxy?.authority },
      counters: () => ({
        forward: forwarder.counters,
        ...(proxy && { proxy: proxy.counters }),
      }),
      giveUp: () => tunnel.giveUp(),
      close: async (graceMs) => {
        const deadline = ports.clock.now() + graceMs;
        await closeListeners(graceMs);
        // What clients have sent before they closed may be on its way still.
        await tunnel.close({ gracePeriod: Math.max(0, deadline - ports.clock.now()) });
        await capture?.close();
      },
    };
  } catch (error) {
    await closeListeners(0);
    await capture?.close();
    throw error;
  }
}

async function openListeners(
  { forward, proxy }: UserspaceOptions,
  dialer: Dialer,
  log: Log,
): Promise<{ forwarder: HttpListener; proxy: HttpListener | undefined }> {
  const forwarder = await startForwarder({ ...forward, dialer, log });
  log.info({ url: forwarder.url }, 'forwarder listening');
  try {
    return { forwarder, proxy: proxy && (await openProxy(proxy, dialer, log)) };
  } catch (error) {
    await forwarder.close({ graceMs: 0 });
    throw error;
  }
}

/**
 * A port that was asked for is a promise. The default one is often another program's (`ssh -D 1080`,
 * a second tunnel): who only wants the forwarder shall not go without for its sake.
 *
 * @returns undefined where the default port cannot be had, which is a warning
 * @throws UserError when a port cannot be had that was asked for
 */
export async function openProxy(
  { listen, isAskedFor }: ProxySettings,
  dialer: Dialer,
  log: Log,
): Promise<HttpListener | undefined> {
  try {
    const proxy = await startMixedPort({ listen, dialer, log });
    log.info({ address: proxy.authority }, 'proxy listening');
    return proxy;
  } catch (error) {
    if (isAskedFor || !(error instanceof UserError)) throw error;
    const next = 'going on without a proxy; choose a port with --proxy-listen, or off';
    log.warn({ reason: error.why }, `${error.what}: ${next}`);
    return undefined;
  }
}
