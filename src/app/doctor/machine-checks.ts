/**
 * Checks this machine: the state folder, the system's abilities, the ports, and what a killed `up`
 * has left behind.
 */
import { codeOf, isDenied, messageOf } from '../../lib/errors/error-message.js';
import { fileFault } from '../../lib/errors/file-fault.js';
import { listenFault } from '../../lib/errors/listen-fault.js';
import { formatAuthority } from '../../lib/text/http-syntax.js';
import type { InterfaceLeftovers, PacketInterfaceRefusal } from '../../ports/packet-interfaces.js';
import { type Check, failed, ok, sentence, skipped } from './check.js';
import type { DoctorOptions, DoctorPorts, WantedListener } from './doctor-ports.js';
import type { SimUser } from './tunnel-checks.js';
import type { LoadedArcConfig } from '../config/load-arc-config.js';
import { removeLeftovers } from '../up/remove-leftovers.js';
import { commandFor } from '../../lib/text/config-name.js';

/** Checks that arctun can store the time of its last handshake, and renewed sessions. */
export async function checkStateFolder(
  { stateFolder }: Pick<DoctorOptions, 'stateFolder'>,
  { system, files }: Pick<DoctorPorts, 'system' | 'files'>,
  isFixing: boolean,
): Promise<Check> {
  const { exists, fault } = await system.tryFolder(stateFolder);
  if (fault !== undefined) {
    const isForbidden = isDenied(fault);
    const owner =
      system.user === undefined
        ? ''
        : ` (for example, as root: chown -R ${system.user} ${stateFolder})`;
    return failed('state-folder', {
      kind: isForbidden || codeOf(fault) === 'EROFS' ? 'permission' : 'failed',
      text: `arctun cannot write to its state folder ${stateFolder}.`,
      cause: sentence(fileFault(fault).reason),
      remedy: isForbidden
        ? `Make the folder writable for this user${owner}, or set XDG_STATE_HOME to another folder.`
        : 'Set XDG_STATE_HOME to a folder on a file system that is writable and not full.',
    });
  }
  if (exists) return ok('state-folder', `arctun can write to its state folder ${stateFolder}.`);
  if (!isFixing) {
    return ok('state-folder', `The state folder ${stateFolder} will be created when it is needed.`);
  }
  await files.createFolder(stateFolder);
  return ok('state-folder', `Fixed: created the state folder ${stateFolder}.`);
}

/** Why an interface cannot be created, and what to do about that. */
const OBSTACLES: Partial<Record<PacketInterfaceRefusal, readonly [cause: string, remedy: string]>> =
  {
    'no-driver': ['/dev/net/tun does not exist.', 'Run as root: modprobe tun'],
    'no-access': [
      'This user is not permitted to open /dev/net/tun.',
      'Run as root, or run as root: chmod 666 /dev/net/tun',
    ],
    'not-permitted': [
      'A network interface requires CAP_NET_ADMIN.',
      'Run as root, or use --mode userspace.',
    ],
  };

export interface SystemFacts {
  /** Whether `up` would use a network interface in mode `auto`. */
  readonly hasInterface: boolean;
  readonly check: Check;
}

/** Checks Node.js, the optional dependencies, and whether a network interface is possible. */
export async function checkSystem(
  { mode }: Pick<DoctorOptions, 'mode'>,
  interfaceName: string,
  {
    system,
    crypto,
    interfaceObstacle,
  }: Pick<DoctorPorts, 'system' | 'crypto' | 'interfaceObstacle'>,
): Promise<SystemFacts> {
  const koffi = await system.koffiFailure();
  const obstacle = await interfaceObstacle(interfaceName);
  const why = koffi === undefined ? OBSTACLES[obstacle ?? 'failed']?.[0] : `koffi: ${koffi}.`;
  const hasInterface = why === undefined;
  const parts = [
    `Node.js ${system.nodeVersion}`,
    sodiumText({ crypto }),
    koffi === undefined ? 'koffi' : 'no koffi (slower, userspace mode only)',
    hasInterface ? 'network interfaces are permitted' : 'userspace mode only',
  ];
  if (hasInterface || mode === 'auto' || mode === 'userspace') {
    return { hasInterface, check: ok('system', `${parts.join(', ')}.`) };
  }
  const check = failed('system', {
    kind: koffi === undefined ? 'permission' : 'failed',
    text: `Mode ${mode} is not possible here.`,
    cause: sentence(why),
    remedy:
      koffi === undefined
        ? (OBSTACLES[obstacle ?? 'failed']?.[1] ?? 'Use --mode userspace.')
        : 'Install arctun with its optional dependencies on Linux, or use --mode userspace.',
  });
  return { hasInterface, check };
}

/**
 * Checks the ports that `up` would open.
 *
 * @param user the process that is using this SIM; the listeners of an `up` are not a problem
 */
export async function checkPorts(
  { listeners, mode }: Pick<DoctorOptions, 'listeners' | 'mode'>,
  hasInterface: boolean,
  user: Pick<SimUser, 'report' | 'holder'> | undefined,
  ports: Pick<DoctorPorts, 'system' | 'portHolder'>,
): Promise<Check> {
  const { report: running, holder } = user ?? {};
  if (running !== undefined) {
    return running.mode === 'userspace'
      ? ok('ports', `arctun up (pid ${running.pid}) is using its ports.`)
      : skipped(
          'ports',
          `arctun up (pid ${running.pid}) has a network interface and no such ports`,
        );
  }
  const usesInterface = mode === 'tun' || mode === 'kernel' || (mode === 'auto' && hasInterface);
  if (usesInterface)
    return skipped('ports', 'with a network interface, "up" does not listen on ports');
  for (const listener of listeners) {
    const fault = await ports.system.tryListen(listener.host, listener.port);
    if (fault === undefined) continue;
    // Another user's `up` does not report its listeners.
    const isTaken = codeOf(fault) === 'EADDRINUSE' && holder !== undefined;
    if (isTaken && (holder.command ?? 'up') === 'up') return skipped('ports', holder.clause);
    return portFault(listener, fault, ports);
  }
  const list = listeners.map(({ host, port }) => formatAuthority({ host, port })).join(' and ');
  return listeners.length === 0
    ? skipped('ports', 'no listener is enabled')
    : ok('ports', `arctun can listen on ${list}.`);
}

async function portFault(
  { flag, host, port }: WantedListener,
  fault: Error,
  { portHolder }: Pick<DoctorPorts, 'portHolder'>,
): Promise<Check> {
  const code = codeOf(fault) ?? '';
  const holder = code === 'EADDRINUSE' ? await portHolder('tcp', port) : undefined;
  const reason = listenFault(code) ?? fault.message;
  return failed('ports', {
    kind: isDenied(fault) ? 'permission' : 'failed',
    text: `arctun cannot listen on ${formatAuthority({ host, port })}.`,
    cause: sentence(holder === undefined ? reason : `${holder} is already listening on this port`),
    remedy:
      code === 'EADDRINUSE'
        ? `Stop that program, or choose another port with ${flag} (0 picks a free port).`
        : `Choose another address with ${flag}.`,
  });
}

function sodiumText({ crypto }: Pick<DoctorPorts, 'crypto'>): string {
  if (crypto.backend === 'sodium-native') return 'sodium-native';
  return crypto.packetBackend === 'node' ? 'no sodium-native (slower)' : 'no sodium-native';
}

export interface CheckedLeftovers {
  readonly check: Check;
  /** Whether the kernel still keeps a tunnel with this key open. */
  readonly isTunnelOpen: boolean;
}

/**
 * @param publicKey the tunnel's own key
 * @param isInUse whether a process on this machine is using the key, so that nothing is left over
 * @param leftovers undefined if this system has no network interfaces
 */
export function checkLeftovers(
  arcConfig: LoadedArcConfig,
  publicKey: Uint8Array,
  isInUse: boolean,
  leftovers: InterfaceLeftovers | undefined,
): CheckedLeftovers {
  const killed = isInUse ? undefined : leftovers?.kernelInterface(publicKey);
  if (killed !== undefined && leftovers !== undefined) {
    return { check: leftInterface(killed, leftovers), isTunnelOpen: true };
  }
  return { check: checkRoutes(arcConfig, isInUse, leftovers), isTunnelOpen: false };
}

function checkRoutes(
  arcConfig: LoadedArcConfig,
  isInUse: boolean,
  leftovers: InterfaceLeftovers | undefined,
): Check {
  if (leftovers === undefined) {
    return skipped('leftovers', 'this system cannot list network interfaces (no Linux or koffi)');
  }
  if (isInUse) return ok('leftovers', 'The SIM is in use, and nothing is left over.');
  const { interface: name } = arcConfig.config;
  const count = name === '' || leftovers.isInUse(name) ? 0 : leftovers.count(name);
  if (count > 0) return leftRoutes(count, arcConfig, leftovers);
  return ok('leftovers', 'No earlier "up" has left anything behind.');
}

function leftInterface(name: string, leftovers: InterfaceLeftovers): Check {
  return failed('leftovers', {
    kind: 'tunnel',
    text: `The network interface ${name} is still using this SIM.`,
    cause: 'An "arctun up --mode kernel" was killed, and its tunnel stayed open in the kernel.',
    remedy: `Run as root: ip link delete ${name}`,
    fix: () => {
      leftovers.removeInterface(name);
      return Promise.resolve(`Removed the network interface ${name}.`);
    },
  });
}

function leftRoutes(
  count: number,
  arcConfig: LoadedArcConfig,
  leftovers: InterfaceLeftovers,
): Check {
  return failed('leftovers', {
    kind: 'tunnel',
    text: `${count === 1 ? '1 route' : `${count} routes`} of an earlier "up" still reject packets to the tunnel's addresses.`,
    cause: 'An "arctun up --mode tun" was killed, or stopped with --kill-switch.',
    remedy: `Run as root: ${commandFor('up --cleanup', arcConfig.path)}`,
    fix: () => {
      const removed = removeLeftovers(arcConfig, leftovers);
      return Promise.resolve(`Removed ${removed} routes and rules.`);
    },
  });
}

/** Says why a fix failed, in one sentence. */
export function fixFailure(error: unknown): string {
  return isDenied(error) || isDenied((error as Error).cause)
    ? '--fix could not do this, because this user lacks the permission.'
    : `--fix could not do this: ${messageOf(error)}.`;
}
