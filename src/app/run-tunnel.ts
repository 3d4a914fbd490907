/** Keeps a tunnel and its forwarder open until it is told to stop. */
import { LaterDialer } from '../proxy/dialer.js';
import { startForwarder } from '../proxy/forward/forwarder.js';
import type { TunnelPorts, UserspaceTunnel } from '../tunnel/userspace-tunnel.js';
import { openTunnel, type OpenTunnelOptions, planTunnel } from './open-tunnel.js';

export interface ForwardSettings {
  readonly listen: { readonly host: string; readonly port: number };
  /** IP text and port inside the tunnel. */
  readonly target: { readonly host: string; readonly port: number };
  readonly headers: readonly [name: string, value: string][];
}

export interface RunTunnelOptions extends OpenTunnelOptions {
  readonly signal: AbortSignal;
  readonly forward: ForwardSettings;
  /** Called once, when the first handshake is complete. */
  readonly onUp: (up: { endpoint: string; forward: string }) => void;
}

/** Milliseconds that running exchanges have to finish after the stop. */
const GRACE = 5_000;

/**
 * Resolves after a stop, when everything is closed.
 *
 * @throws TunnelError when no handshake came in time, UserError when the port cannot be had
 */
export async function runTunnel(options: RunTunnelOptions, ports: TunnelPorts): Promise<void> {
  const { signal, forward } = options;
  planTunnel(options);
  try {
    // The port first: a tunnel that is opened and given up would take the line from another.
    const later = new LaterDialer();
    const forwarder = await startForwarder({ ...forward, dialer: later, log: ports.log });
    ports.log.info({ url: forwarder.url }, 'forwarder listening');
    let tunnel: UserspaceTunnel | undefined;
    try {
      const opening = openTunnel(options, ports);
      later.open(opening.then((opened) => opened.tunnel.dialer));
      const opened = await opening;
      tunnel = opened.tunnel;
      await opened.handshake;
      const { address, port } = tunnel.endpoint;
      const host = address.includes(':') ? `[${address}]` : address;
      options.onUp({ endpoint: `${host}:${port}`, forward: forwarder.url });
      await aborted(signal);
    } finally {
      await forwarder.close({ graceMs: signal.aborted ? GRACE : 0 });
      await tunnel?.close();
    }
  } catch (error) {
    // A stop ends every wait with its reason: that is no failure.
    if (!(signal.aborted && error === signal.reason)) throw error;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
