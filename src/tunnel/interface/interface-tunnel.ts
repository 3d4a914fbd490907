/** Tunnels that use a system network interface. */
import type { PacketInterfaces } from '../../ports/packet-interfaces.js';
import type { TunnelPorts } from '../tunnel-ports.js';
import { TunTunnel } from './tun-tunnel.js';
import type { TunnelConfig } from '../tunnel-config.js';
import type { Tunnel } from '../tunnel.js';

/** A network interface, through which one tunnel can run. */
export interface InterfaceTunnel {
  /** Whether arctun's WireGuard or the kernel's is used. */
  readonly mode: 'tun' | 'kernel';
  /** The name of the interface. The interface exists before the tunnel is started. */
  readonly interfaceName: string;
  /** Resolves with the reason if the interface is removed, or its device fails. */
  readonly gone: Promise<Error>;
  /**
   * Configures the interface, and starts the search for the Arc server and the handshake. Call this
   * at most once.
   *
   * @param captured the ports of a capture; only in tun mode
   * @throws the errors of PacketInterfaces.configure(); the interface is then removed
   */
  start(config: TunnelConfig, captured?: CapturedPorts): Promise<Tunnel>;
  /** Sends packets that the interface has queued, then removes the interface. */
  close(): Promise<void>;
}

export type CapturedPorts = Pick<TunnelPorts, 'sockets' | 'observer'>;

export interface InterfaceTunnels {
  /**
   * Creates an interface that is down and has no address.
   *
   * @param name a name that the system accepts; empty to let the system choose
   * @throws PacketInterfaceError
   */
  open(name: string): Promise<InterfaceTunnel>;
}

/**
 * Creates tunnels in tun mode.
 * @param ports the tunnels' ports, with sockets that accept a mark
 */
export function tunTunnels(devices: PacketInterfaces, ports: TunnelPorts): InterfaceTunnels {
  // Inside a promise, a synchronous error becomes a rejection.
  return { open: (name) => Promise.resolve().then(() => openTun(devices, ports, name)) };
}

function openTun(devices: PacketInterfaces, ports: TunnelPorts, name: string): InterfaceTunnel {
  const device = devices.open(name);
  let tunnel: TunTunnel | undefined;
  return {
    mode: 'tun',
    interfaceName: device.name,
    gone: new Promise((resolve) => {
      device.onGone = (cause) =>
        resolve(new Error('another program has removed the interface', { cause }));
    }),
    start: async (config, captured) =>
      (tunnel = await TunTunnel.open(config, { ...ports, ...captured }, devices, device)),
    close: async () => {
      await tunnel?.close();
      device.close();
    },
  };
}
