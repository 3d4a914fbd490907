/** Which mode a tunnel runs in, and why. */
import type { InterfaceTunnel, InterfaceTunnels } from '../../tunnel/interface/interface-tunnel.js';
import type { InterfaceLeftovers, PacketInterfaceRefusal } from '../../ports/packet-interfaces.js';
import { isRefusal, noInterfaces, openInterface } from './open-interface.js';

export type TunnelMode = 'auto' | 'tun' | 'userspace';

export interface ModeWish {
  readonly mode: TunnelMode;
  /** As arc.json has it; empty where the system chooses. */
  readonly interfaceName: string;
  /** What was asked for that userspace alone has, as `--port`. */
  readonly userspaceFlag?: string | undefined;
}

export interface ModePorts {
  /** Undefined where this system has none. */
  readonly deviceTunnels?: (() => Promise<InterfaceTunnels | undefined>) | undefined;
  /** Why deviceTunnels() returned undefined. */
  readonly whyNoInterfaces?: (() => Promise<string | undefined>) | undefined;
  /** What killed processes have left of interfaces. */
  readonly interfaceLeftovers?: (() => Promise<InterfaceLeftovers | undefined>) | undefined;
  /** What is known to stand in the way of an interface, without an attempt to make one. */
  readonly interfaceObstacle?:
    ((name: string) => Promise<PacketInterfaceRefusal | undefined>) | undefined;
}

export interface ChosenMode {
  /** The interface, which is made by now; undefined for userspace. */
  readonly device: InterfaceTunnel | undefined;
  /** Why this mode and not the other; undefined where it was asked for, be it by a flag that it has alone. */
  readonly reason: string | undefined;
}

/** What makes `auto` take userspace; anything else would stand in the way of what is wanted, too. */
const REASONS: ReadonlyMap<PacketInterfaceRefusal, string> = new Map([
  ['no-driver', 'there is no /dev/net/tun'],
  ['no-access', '/dev/net/tun may not be opened by this user'],
  ['not-permitted', 'an interface takes the capability CAP_NET_ADMIN'],
]);

/**
 * Makes the interface where there is to be one. `auto` takes an interface where one may be made.
 *
 * @throws UserError as openInterface(); for `auto`, for nothing that userspace would help against
 */
export async function chooseMode(
  { mode, interfaceName, userspaceFlag }: ModeWish,
  { deviceTunnels, whyNoInterfaces, interfaceObstacle }: ModePorts,
): Promise<ChosenMode> {
  if (mode === 'userspace' || (mode === 'auto' && userspaceFlag !== undefined)) {
    return { device: undefined, reason: undefined };
  }
  if (mode === 'tun') {
    const tunnels = await deviceTunnels?.();
    if (tunnels === undefined) throw noInterfaces(await whyNoInterfaces?.());
    return { device: await openInterface(tunnels, interfaceName), reason: undefined };
  }
  const obstacle = REASONS.get((await interfaceObstacle?.(interfaceName)) ?? 'failed');
  if (obstacle !== undefined) return userspace(obstacle);
  const tunnels = await deviceTunnels?.();
  if (tunnels === undefined) return userspace('interfaces take Linux, and the package koffi');
  try {
    return {
      device: await openInterface(tunnels, interfaceName),
      reason: 'an interface may be made',
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
