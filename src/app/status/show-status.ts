/** Collects the status of the tunnels on this machine, or selects one of them. */
import { UserError } from '../../lib/errors/user-error.js';
import { findDevices, type FindDevicesPorts, type FoundDevice } from './find-devices.js';
import { findTunnels, type FindTunnelsOptions, type SilentTunnel } from './find-tunnels.js';
import type { StatusReport } from './status-report.js';
import type { LocalConnections } from '../../ports/local-sockets.js';

export interface ShowStatusOptions {
  /** Folders that contain control sockets. */
  readonly folders: readonly string[];
  /** Whether to include WireGuard devices that do not belong to arctun. */
  readonly all: boolean;
  /** The name of the tunnel to show; undefined for all. */
  readonly name?: string | undefined;
}

export interface ShownStatus {
  readonly tunnels: readonly StatusReport[];
  /** arctun's tunnels that are not answering. */
  readonly silent: readonly SilentTunnel[];
  readonly devices: readonly FoundDevice[];
  /** A sentence for each tunnel or device that could not be queried. */
  readonly notes: readonly string[];
}

export type Verdict =
  /** All arctun tunnels are healthy. */
  | 'healthy'
  /** A tunnel has no handshake, its server is silent, or its process does not answer. */
  | 'unhealthy'
  /** No tunnel or device was found. */
  | 'none';

/** @throws UserError if tunnels exist but all belong to other users */
export async function showStatus(
  { folders, all, name }: ShowStatusOptions,
  ports: FindDevicesPorts,
): Promise<ShownStatus> {
  const { reports, silent } = await findTunnels({ folders, name }, ports.connections);
  // Skip the interfaces in the reports, because querying them would return their private keys.
  const ours = reports.flatMap((report) => [report.interface, report.uapiName ?? '']);
  const { devices, notes } = all ? await findDevices(ours, ports) : { devices: [], notes: [] };
  const [denied] = silent;
  const isAllDenied = silent.every(({ isDenied }) => isDenied);
  if (denied !== undefined && reports.length + devices.length === 0 && isAllDenied) {
    throw deniedError(denied);
  }
  const complaints = silent
    .filter(({ closed }) => closed === undefined)
    .map(({ path, why }) => `cannot query ${path}: ${why}`);
  return { tunnels: reports, silent, devices, notes: [...complaints, ...notes] };
}

export function verdictOf({ tunnels, silent, devices }: ShownStatus): Verdict {
  if (tunnels.some(({ health }) => health !== 'up')) return 'unhealthy';
  // Access to another user's tunnel is denied, so its health is unknown.
  if (silent.some(({ isDenied }) => !isDenied)) return 'unhealthy';
  return tunnels.length + devices.length === 0 ? 'none' : 'healthy';
}

/** Builds the error if all tunnels belong to other users. */
export function deniedError({ path, why, owner }: SilentTunnel): UserError {
  return new UserError('permission', {
    what: `cannot query ${path}`,
    why,
    next: [owner === 'root' ? 'Run as root.' : 'Run as the user who owns the socket, or as root.'],
  });
}

/**
 * Returns the control socket of the tunnel with this name. The name is optional if only one tunnel
 * is running.
 *
 * @throws UserError if no tunnel or several tunnels are running, or if the tunnel does not answer
 */
export async function selectTunnel(
  { folders, name }: FindTunnelsOptions,
  connections: LocalConnections,
): Promise<string> {
  const { reports, sockets, silent } = await findTunnels({ folders, name }, connections);
  const [report, ...others] = reports;
  if (report === undefined) throw noTunnel(silent, name);
  if (others.length > 0) {
    throw new UserError('usage', {
      what: 'cannot select a tunnel',
      why: `several tunnels are running: ${reports.map((one) => one.name).join(', ')}`,
      next: ['Choose one with --interface.'],
    });
  }
  const path = sockets.get(report);
  if (path === undefined) throw noTunnel([], name);
  return path;
}

function noTunnel(silent: readonly SilentTunnel[], name: string | undefined): UserError {
  const [first] = silent;
  if (first?.isDenied === true) return deniedError(first);
  if (first !== undefined) {
    return new UserError('failed', {
      what: `cannot query ${first.path}`,
      why: first.why,
      next: ['Check the tunnel with "arctun status".'],
    });
  }
  const called = name === undefined ? '' : ` named ${name}`;
  return new UserError('failed', {
    what: 'cannot find a tunnel',
    why: `no "arctun up"${called} is running for this user`,
    next: [
      'Start one with "arctun up --mode userspace", or list the tunnels with "arctun status".',
    ],
  });
}
