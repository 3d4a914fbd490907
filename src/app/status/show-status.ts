/** How the tunnels of this machine do. */
import { UserError } from '../../lib/errors/user-error.js';
import { findDevices, type FindDevicesPorts, type FoundDevice } from './find-devices.js';
import { findTunnels, type SilentTunnel } from './find-tunnels.js';
import type { StatusReport } from './status-report.js';

export interface ShowStatusOptions {
  /** Where control sockets are. */
  readonly folders: readonly string[];
  /** Whether WireGuard devices that are not ours are shown, too. */
  readonly all: boolean;
}

export interface ShownStatus {
  readonly tunnels: readonly StatusReport[];
  /** Tunnels of ours that do not answer. */
  readonly silent: readonly SilentTunnel[];
  readonly devices: readonly FoundDevice[];
  /** What could not be asked, a sentence each. */
  readonly notes: readonly string[];
}

export type Verdict =
  /** Nothing is wrong with ours. */
  | 'healthy'
  /** One of ours has no handshake, or no answer from its server, or gives none itself. */
  | 'unhealthy'
  /** There is nothing to show. */
  | 'none';

/** @throws UserError where there are tunnels, and all of them belong to somebody else */
export async function showStatus(
  { folders, all }: ShowStatusOptions,
  ports: FindDevicesPorts,
): Promise<ShownStatus> {
  const { reports, silent } = await findTunnels({ folders }, ports.connections);
  // They have told of themselves, and would name their private keys.
  const ours = reports.flatMap((report) => [report.interface, report.uapiName ?? '']);
  const { devices, notes } = all ? await findDevices(ours, ports) : { devices: [], notes: [] };
  const [denied] = silent.filter(({ isDenied }) => isDenied);
  if (denied !== undefined && reports.length + devices.length === 0 && isAllDenied(silent)) {
    throw deniedError(denied);
  }
  const complaints = silent.map(({ path, why }) => `cannot ask ${path}: ${why}`);
  return { tunnels: reports, silent, devices, notes: [...complaints, ...notes] };
}

export function verdictOf({ tunnels, silent, devices }: ShownStatus): Verdict {
  if (tunnels.some(({ health }) => health !== 'up')) return 'unhealthy';
  // A tunnel of somebody else says nothing to us, and is none that does not answer.
  if (silent.some(({ isDenied }) => !isDenied)) return 'unhealthy';
  return tunnels.length + devices.length === 0 ? 'none' : 'healthy';
}

function isAllDenied(silent: readonly SilentTunnel[]): boolean {
  return silent.every(({ isDenied }) => isDenied);
}

/** What to say where there are tunnels of others alone. */
export function deniedError({ path, why, owner }: SilentTunnel): UserError {
  return new UserError('permission', {
    what: `cannot ask ${path}`,
    why,
    next: [owner === 'root' ? 'Run as root.' : 'Run as the user who owns it, or as root.'],
  });
}
