/** SORACOM with the project's own Arc side, or with wireguard-go's, for one test file each. */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';

import { type EmulatorProcess, emulatorAt, startEmulatorProcess } from '../emulator-process.js';
import { type Processes, REPOSITORY } from '../processes.js';
import { startAnswering } from './start-answering.js';

const PROGRAM = `${REPOSITORY}test/support/foreign/wireguard-go-emulator.js`;

export interface ArcServer {
  readonly emulator: EmulatorProcess;
  readonly close: () => void;
}

/** Starts `arctun emulator` as users do. */
export async function ourArcServer(processes: Processes): Promise<ArcServer> {
  return { emulator: await startEmulatorProcess(processes), close: () => undefined };
}

/** The requirements of `wireGuardGoArcServer`. */
export const WIREGUARD_GO_ARC_SERVER = [
  'root',
  'linux',
  'tun',
  'wireguard-go',
  'wg',
  'ip',
] as const;

let serial = 0;

/**
 * Starts the emulator's API with wireguard-go sessions. The UDP socket stays in the tests'
 * namespace. The interface and its services are in another one, so that only the tunnel leads to
 * them.
 */
export async function wireGuardGoArcServer(processes: Processes): Promise<ArcServer> {
  const name = `aj${process.pid}${serial++}`;
  const control = `/var/run/wireguard/${name}.sock`;
  const wireguard = await startAnswering(processes, ['wireguard-go', '-f', name], () =>
    Promise.resolve(existsSync(control)),
  );
  ip('netns', 'add', name);
  const close = (): void => {
    wireguard.kill('SIGKILL');
    ip('netns', 'delete', name);
    rmSync(control, { force: true });
  };
  try {
    ip('link', 'set', name, 'netns', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    // wireguard-go binds its port when the link comes up, so it must be up before the services need
    // the port.
    ip('-n', name, 'link', 'set', name, 'up');
    return { emulator: await startEmulator(processes, name), close };
  } catch (error) {
    close();
    throw error;
  }
}

async function startEmulator(processes: Processes, name: string): Promise<EmulatorProcess> {
  const outside = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => outside.once('listening', resolve));
  const { fd } = (outside as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const command = ['ip', 'netns', 'exec', name, process.execPath, PROGRAM, name];
  const started = processes.start(command, { descriptor: fd });
  try {
    return await emulatorAt(started);
  } finally {
    // The program has its own copy of the descriptor.
    outside.close();
  }
}

function ip(...parameters: readonly string[]): void {
  execFileSync('ip', parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
}
