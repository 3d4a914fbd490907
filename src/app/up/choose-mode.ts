/** Chooses the mode of a tunnel and explains the choice. */
import type { InterfaceTunnel, InterfaceTunnels } from '../../tunnel/interface/interface-tunnel.js';
import type { InterfaceLeftovers, PacketInterfaceRefusal } from '../../ports/packet-interfaces.js';
import { isRefusal, noInterfaces, openInterface } from './open-interface.js';

export type TunnelMode = 'auto' | 'tun' | 'kernel' | 'userspace';

export interface ModeWish {
  readonly mode: TunnelMode;
  /** The name in arc.json; empty if the operating system chooses the name. */
  readonly interfaceName: string;
  /** The configuration's name in messages. */
  readonly source: string;
  /** A flag given by the user that only userspace mode supports, such as `--port`. */
  readonly userspaceFlag?: string | undefined;
}

export interface ModePorts {
  /** Interface tunnels; undefined if this operating system does not support them. */
  readonly deviceTunnels?: (() => Promise<InterfaceTunnels | undefined>) | undefined;
  /** Tunnels with the kernel's WireGuard; undefined if this operating system has no interfaces. */
  readonly kernelTunnels?: (() => Promise<InterfaceTunnels | undefined>) | undefined;
  /** Why deviceTunnels() or kernelTunnels() returned undefined. */
  readonly whyNoInterfaces?: (() => Promise<string | undefined>) | undefined;
  /** Access to what killed processes have left behind. */
  readonly interfaceLeftovers?: (() => Promise<InterfaceLeftovers | undefined>) | undefined;
  /** Returns a known reason why an interface cannot be created, without trying to create one. */
  readonly interfaceObstacle?:
    ((name: string) => Promise<PacketInterfaceRefusal | undefined>) | undefined;
}

export interface ChosenMode {
  /** The interface, already created; undefined for userspace. */
  readonly device: InterfaceTunnel | undefined;
  /** Why `auto` chose this mode; undefined if the user chose the mode, possibly through a flag. */
  readonly reason: string | undefined;
}

/**
 * The failures after which `auto` falls back to userspace, with explanations. Any other failure is
 * an error.
 */
const REASONS: ReadonlyMap<PacketInterfaceRefusal, string> = new Map([
  ['no-driver', '/dev/net/tun does not exist'],
  ['no-access', 'this user is not permitted to open /dev/net/tun'],
  ['not-permitted', 'a network interface requires CAP_NET_ADMIN'],
]);

/**
 * Creates the interface if required. `auto` uses an interface of tun mode if permitted; kernel mode
 * is faster, but cannot tell why a server is silent (docs/guides/network-interface.md).
 * @throws errors of openInterface(); with `auto` only if userspace mode would also fail
 */
export async function chooseMode(
  { mode, interfaceName, source, userspaceFlag }: ModeWish,
  { deviceTunnels, kernelTunnels, whyNoInterfaces, interfaceObstacle }: ModePorts,
): Promise<ChosenMode> {
  if (mode === 'userspace' || (mode === 'auto' && userspaceFlag !== undefined)) {
    return { device: undefined, reason: undefined };
  }
  if (mode === 'tun' || mode === 'kernel') {
    const tunnels = await (mode === 'tun' ? deviceTunnels?.() : kernelTunnels?.());
    if (tunnels === undefined) throw noInterfaces(mode, await whyNoInterfaces?.());
    return { device: await openInterface(tunnels, interfaceName, source, mode), reason: undefined };
  }
  const obstacle = REASONS.get((await interfaceObstacle?.(interfaceName)) ?? 'failed');
  if (obstacle !== undefined) return userspace(obstacle);
  const tunnels = await deviceTunnels?.();
  if (tunnels === undefined)
    return userspace('a network interface requires Linux and the package koffi');
  try {
    return {
      device: await openInterface(tunnels, interfaceName, source),
      reason: 'a network interface is permitted',
    };
  } catch (error) {
    const { cause } = error as Error;
    const reason = isRefusal(cause) ? REASONS.get(cause.refusal) : undefined;
    if (reason === undefined) throw error;
    return userspace(reason);
  }
}

function userspace(reason: string): ChosenMode {
  return { device: undefined, reason };
}
