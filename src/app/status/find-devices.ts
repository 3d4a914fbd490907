/** Finds the WireGuard devices on this machine that do not belong to arctun. */
import { CommandError, type CommandRunner } from '../../ports/command-runner.js';
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { askDevice, type DeviceStatus } from '../../tunnel/uapi/ask-device.js';
import type { LocalConnections } from '../../ports/local-sockets.js';
import { isAbandoned, nameOf } from './find-tunnels.js';
import { UAPI_FOLDER } from '../up/uapi-socket.js';
import { readWgDump } from '../../tunnel/uapi/wg-dump.js';

export interface FoundDevice extends DeviceStatus {
  readonly name: string;
  /** The device type as soratun shows it: `Linux kernel`, `userspace` … */
  readonly type: string;
}

export interface FoundDevices {
  /** Kernel devices first, as in soratun; kernel and userspace devices are each sorted by name. */
  readonly devices: readonly FoundDevice[];
  /** A sentence for each device that could not be queried. */
  readonly notes: readonly string[];
}

export interface FindDevicesPorts {
  readonly connections: LocalConnections;
  readonly commands: CommandRunner;
  readonly publicKeyOf: (privateKey: Uint8Array) => Uint8Array;
  /** The value of `process.platform`. */
  readonly platform: string;
}

const KERNELS: Readonly<Record<string, string>> = {
  linux: 'Linux kernel',
  freebsd: 'FreeBSD kernel',
  openbsd: 'OpenBSD kernel',
  win32: 'Windows kernel',
};

/**
 * Finds devices at UAPI sockets, and kernel devices if `wg` is installed. Skips abandoned sockets.
 * Never rejects.
 *
 * @param ours interfaces to skip
 */
export async function findDevices(
  ours: readonly string[],
  ports: FindDevicesPorts,
): Promise<FoundDevices> {
  const paths = await ports.connections.list(UAPI_FOLDER);
  const others = paths.filter((path) => !ours.includes(nameOf(path)));
  const [kernel, ...userspace] = await Promise.all([
    kernelDevices([...ours, ...paths.map(nameOf)], ports),
    ...others.map((path) => userspaceDevice(path, ports)),
  ]);
  const found = [kernel, ...userspace];
  return {
    devices: found.flatMap(({ devices }) => devices),
    notes: found.flatMap(({ notes }) => notes),
  };
}

async function userspaceDevice(
  path: string,
  { connections, publicKeyOf }: FindDevicesPorts,
): Promise<FoundDevices> {
  try {
    const status = await askDevice(path, connections, publicKeyOf);
    return { devices: [{ ...status, name: nameOf(path), type: 'userspace' }], notes: [] };
  } catch (error) {
    const notes = isAbandoned(codeOf(error)) ? [] : [`cannot query ${path}: ${messageOf(error)}`];
    return { devices: [], notes };
  }
}

/** @param known names to skip in `wg` output, because they are already listed */
async function kernelDevices(
  known: readonly string[],
  { commands, platform }: FindDevicesPorts,
): Promise<FoundDevices> {
  const command = ['wg', 'show', 'all', 'dump'];
  try {
    const { stdout, stderr } = await commands.run(command, { timeout: 3_000 });
    const type = KERNELS[platform] ?? 'unknown';
    const devices = [...readWgDump(stdout)]
      .filter(([name]) => !known.includes(name))
      .map(([name, status]) => ({ ...status, name, type }));
    const complaints = stderr.split('\n').filter((line) => line !== '');
    return { devices, notes: complaints.map((line) => `wg: ${line}`) };
  } catch (error) {
    if (error instanceof CommandError && error.failure === 'not-found') {
      return { devices: [], notes: [] };
    }
    return { devices: [], notes: [`cannot run ${command.join(' ')}: ${messageOf(error)}`] };
  }
}
