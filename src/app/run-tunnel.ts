/** Keeps a tunnel and its forwarder open until it is told to stop. */
import { LaterDialer } from '../proxy/dialer.js';
import { startForwarder } from '../proxy/forward/forwarder.js';
import { Capture, captureHeader } from '../tunnel/capture.js';
import type { CaptureFile } from '../tunnel/ports.js';
import { endpointText } from '../tunnel/endpoint-text.js';
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
  /** What everything outside and inside of the tunnel is written to, where that is wanted. */
  readonly capture?: CaptureOptions | undefined;
  /** Called once, when the first handshake is complete. */
  readonly onUp: (up: { endpoint: string; forward: string }) => void;
}

export interface CaptureOptions {
  /** Makes a file with this header. It is asked for when nothing else can stand in the way. */
  readonly createFile: (header: readonly Uint8Array[]) => Promise<CaptureFile>;
  /** What the file says that it was made by. */
  readonly application: string;
}

/** Milliseconds that running exchanges have to finish after the stop. */
const GRACE = 5_000;

/**
 * Resolves after a stop, when everything is closed.
 *
 * @throws TunnelError when no handshake came in time, UserError when the port or the file of the
 *   capture cannot be had
 */
export async function runTunnel(options: RunTunnelOptions, ports: TunnelPorts): Promise<void> {
  const { signal, forward } = options;
  const config = planTunnel(options, ports);
  try {
    // The port first: a tunnel that is opened and given up would take the line from another.
    const later = new LaterDialer();
    const forwarder = await startForwarder({ ...forward, dialer: later, log: ports.log });
    ports.log.info({ url: forwarder.url }, 'forwarder listening');
    let tunnel: UserspaceTunnel | undefined;
    let capture: Capture | undefined;
    try {
      if (options.capture !== undefined) {
        const { createFile, application } = options.capture;
        capture = new Capture(await createFile(captureHeader(config, application)), ports);
      }
      const opening = openTunnel(options, capture?.ports ?? ports);
      later.open(opening.then((opened) => opened.tunnel.dialer));
      const opened = await opening;
      tunnel = opened.tunnel;
      await opened.handshake.catch((error: unknown) => {
        // Whoever waits at the forwarder is told what `up` ends with.
        if (!signal.aborted) opened.tunnel.giveUp();
        throw error;
      });
      const { endpoint } = tunnel;
      options.onUp({ endpoint: endpoint ? endpointText(endpoint) : '', forward: forwarder.url });
      await aborted(signal);
    } finally {
      await forwarder.close({ graceMs: signal.aborted ? GRACE : 0 });
      await tunnel?.close();
      await capture?.close();
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
