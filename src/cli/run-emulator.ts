/** Runs the local platform until it is told to stop. */
import { type Emulator, startEmulator } from '../emulator/emulator.js';
import { openWireGuardNetwork } from '../emulator/wireguard-network.js';
import { UserError } from '../lib/user-error.js';
import { parseListenAddress } from '../proxy/listen-address.js';
import type { TunnelPorts } from '../tunnel/userspace-tunnel.js';

export interface RunEmulatorOptions {
  /** `ADDRESS:PORT` */
  readonly apiListen: string;
  readonly arcListen: string;
  readonly signal: AbortSignal;
  readonly onReady: (ready: EmulatorReady) => void;
}

/** What a client needs to know. */
export interface EmulatorReady {
  readonly api: string;
  readonly arc: string;
  readonly authKeyId: string;
  readonly authKey: string;
}

/** @throws UserError when an address cannot be had */
export async function runEmulator(options: RunEmulatorOptions, ports: TunnelPorts): Promise<void> {
  const emulator = await start(options, ports);
  const { api, arc, authKeyId, authKey } = emulator;
  options.onReady({ api, arc, authKeyId, authKey });
  if (!options.signal.aborted) {
    await new Promise<void>((resolve) => {
      options.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  await emulator.close();
}

async function start(options: RunEmulatorOptions, ports: TunnelPorts): Promise<Emulator> {
  const api = parseListenAddress(options.apiListen);
  const arc = parseListenAddress(options.arcListen);
  try {
    return await startEmulator(
      { apiHost: api.host, apiPort: api.port, arcHost: arc.host, arcPort: arc.port },
      { ...ports, createNetwork: (network) => openWireGuardNetwork(network, ports) },
    );
  } catch (error) {
    throw explain(error, options);
  }
}

function explain(error: unknown, { apiListen, arcListen }: RunEmulatorOptions): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const denied = code === 'EACCES' || code === 'EPERM';
  return new UserError(
    denied ? 'permission' : 'failed',
    {
      what: `cannot listen on ${apiListen} and ${arcListen}`,
      why: message,
      next: [
        'Choose other addresses with --api-listen and --arc-listen; port 0 takes any free one.',
      ],
    },
    { cause: error },
  );
}
