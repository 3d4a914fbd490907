/** The part of the composition root that provides tunnels. */
import { UserError } from '../lib/errors/user-error.js';
import type { LinuxNetwork } from '../system/linux/linux-network.js';
import type { InterfaceTunnels } from '../tunnel/interface/interface-tunnel.js';
import type { RunInsidePorts } from '../app/access/run-inside.js';
import type { DatagramSockets } from '../ports/datagram-sockets.js';
import type { Isolation } from '../ports/isolation.js';
import type { Log } from '../ports/log.js';
import type { PacketInterfaceRefusal } from '../ports/packet-interfaces.js';
import type { TunnelPorts } from '../tunnel/tunnel-ports.js';

/**
 * How datagrams are passed to and from the system: one by one, in batches, or (`auto`) in batches
 * if supported.
 */
export type SocketChoice = 'auto' | 'dgram' | 'batch';

export type TunnelContext = typeof tunnelContext;

export const tunnelContext = {
  tunnelPorts,
  deviceTunnels,
  /** Returns why deviceTunnels() returned undefined. */
  whyNoInterfaces: async () => (await import('../system/linux/libc.js')).libcFailure(),
  /** Loads koffi. Resolves with the reason if it cannot be loaded. */
  koffiFailure: async () => {
    const { libcFailure, loadLibc } = await import('../system/linux/libc.js');
    await loadLibc();
    return libcFailure();
  },
  kernelTunnels,
  /**
   * Returns access to what killed processes left behind; undefined if the system does not support
   * interfaces.
   */
  interfaceLeftovers: async () => (await linuxNetwork())?.leftovers,
  interfaceObstacle,
  isolation,
  insidePorts,
};

/** Creates tunnels with arctun's WireGuard; undefined if this system has no interfaces. */
async function deviceTunnels(ports: TunnelPorts): Promise<InterfaceTunnels | undefined> {
  const network = await linuxNetwork();
  if (network === undefined) return undefined;
  const { tunTunnels } = await import('../tunnel/interface/interface-tunnel.js');
  return tunTunnels(network.devices, ports);
}

/** Creates tunnels with the kernel's WireGuard; undefined if this system has no interfaces. */
async function kernelTunnels(
  ports: TunnelPorts,
  publicKey: Uint8Array,
): Promise<InterfaceTunnels | undefined> {
  const network = await linuxNetwork();
  if (network === undefined) return undefined;
  const { kernelTunnels: create } = await import('../tunnel/interface/kernel-tunnel.js');
  return create(network.kernel, ports, publicKey);
}

/** One network for the whole process, because its sockets and interfaces share a poller. */
let network: Promise<LinuxNetwork | undefined> | undefined;

function linuxNetwork(): Promise<LinuxNetwork | undefined> {
  network ??= import('../system/linux/linux-network.js').then(({ linuxNetwork: load }) => load());
  return network;
}

/** Returns sockets that send and receive in batches; undefined to use Node's own sockets. */
async function batchedSockets(choice: SocketChoice): Promise<DatagramSockets | undefined> {
  const batched = choice === 'dgram' ? undefined : (await linuxNetwork())?.sockets;
  if (batched === undefined && choice === 'batch') {
    const { libcFailure } = await import('../system/linux/libc.js');
    throw new UserError('failed', {
      what: 'cannot use --socket=batch',
      why: `batches require Linux and koffi, and koffi cannot be loaded here (${libcFailure() ?? 'unknown'})`,
      next: ['Use --socket=auto.'],
    });
  }
  return batched;
}

/** Returns the known obstacle to creating an interface, without trying to create one. */
async function interfaceObstacle(name: string): Promise<PacketInterfaceRefusal | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { interfaceObstacle } = await import('../system/linux/interface/interface-obstacle.js');
  return interfaceObstacle(name, process.geteuid?.() ?? -1);
}

/** Returns access to namespaces, for the process that creates them. */
async function isolation(): Promise<Isolation> {
  const { createIsolation } = await import('../system/linux/isolation/isolation.js');
  const { systemCommands } = await import('./system-adapters.js');
  return createIsolation(systemCommands);
}

/** Returns what the process inside the namespaces uses. */
async function insidePorts(): Promise<RunInsidePorts> {
  const { insideIsolation } = await import('../system/linux/isolation/inside-isolation.js');
  const { foregroundPrograms, localStreams, systemClock, systemEntropy } =
    await import('./system-adapters.js');
  const { createLog } = await import('../system/log.js');
  return {
    inside: await insideIsolation(),
    ...{ localStreams, programs: foregroundPrograms, clock: systemClock, entropy: systemEntropy },
    createLog: ({ level, format }) => createLog(level, format),
  };
}

/**
 * @param socket defaults to `dgram`, because short-lived commands send few datagrams
 * @throws UserError for `batch` if the system does not support batches
 */
async function tunnelPorts(log: Log, socket: SocketChoice = 'dgram'): Promise<TunnelPorts> {
  const { createTunnelPorts } = await import('./create-tunnel-ports.js');
  return createTunnelPorts(log, await batchedSockets(socket));
}
