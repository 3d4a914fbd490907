/** The platform with an Arc side of ours, and the same with wireguard-go's, for one test file each. */
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

/** The emulator as users have it. */
export async function ourArcServer(processes: Processes): Promise<ArcServer> {
  return { emulator: await startEmulatorProcess(processes), close: () => undefined };
}

/** What `wireGuardGoArcServer` needs. */
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
 * The emulator's API, whose sessions are wireguard-go's. Its socket stays where the tests are; its
 * interface and the services behind it are in a namespace, so that only the tunnel leads to them.
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
    // It takes its port as it comes up: before its services ask for it.
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
    // The program has its own descriptor of the socket.
    outside.close();
  }
}

function ip(...parameters: readonly string[]): void {
  execFileSync('ip', parameters, { stdio: ['ignore', 'ignore', 'pipe'] });
}
