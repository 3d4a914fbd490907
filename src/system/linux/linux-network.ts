/** Tun devices and batched UDP sockets in this network namespace. */
import type { DatagramSockets } from '../../ports/datagram-sockets.js';
import type { KernelWireGuard } from '../../ports/kernel-wireguard.js';
import type { InterfaceLeftovers, PacketInterfaces } from '../../ports/packet-interfaces.js';
import { batchedUdpSockets } from './udp/batched-udp-socket.js';
import { GuardRoutes, removeLeftovers } from './interface/guard-routes.js';
import { findInterface, kernelWireGuard } from './interface/kernel-wireguard.js';
import { setUpInterface } from './interface/interface-setup.js';
import { type Libc, loadLibc } from './libc.js';
import { Rtnetlink } from './interface/rtnetlink.js';
import { openTunInterface } from './interface/tun-interface.js';

export interface LinuxNetwork {
  readonly devices: PacketInterfaces;
  readonly kernel: KernelWireGuard;
  readonly sockets: DatagramSockets;
  readonly leftovers: InterfaceLeftovers;
}

/** Returns access to the network; undefined if this is not Linux or koffi cannot be loaded. */
export async function linuxNetwork(): Promise<LinuxNetwork | undefined> {
  const libc = await loadLibc();
  if (libc === undefined) return undefined;
  return {
    devices: packetInterfaces(libc),
    kernel: kernelWireGuard(libc),
    sockets: batchedUdpSockets(libc),
    leftovers: interfaceLeftovers(libc),
  };
}

function packetInterfaces(libc: Libc): PacketInterfaces {
  return {
    open: (name) => openTunInterface(libc, name),
    configure({ name }, settings) {
      const netlink = new Rtnetlink(libc);
      let isUndone = false;
      try {
        const configured = setUpInterface(netlink, name, settings);
        return {
          get fwmark() {
            return configured.fwmark;
          },
          plan: (changed) => configured.plan(changed),
          undo: () => {
            if (isUndone) return;
            isUndone = true;
            configured.undo();
            netlink.close();
          },
        };
      } catch (error) {
        netlink.close();
        throw error;
      }
    },
  };
}

function interfaceLeftovers(libc: Libc): InterfaceLeftovers {
  const ask = <Answer>(question: (netlink: Rtnetlink) => Answer): Answer => {
    const netlink = new Rtnetlink(libc);
    try {
      return question(netlink);
    } finally {
      netlink.close();
    }
  };
  return {
    isInUse: (name) => ask((netlink) => netlink.interfaceIndex(name) !== undefined),
    count: (name) => ask((netlink) => new GuardRoutes(netlink, name).list().length),
    remove: (name) => ask((netlink) => removeLeftovers(netlink, name)),
    kernelInterface: (publicKey) => ask((netlink) => findInterface(netlink, publicKey)?.name),
    removeInterface: (name) =>
      ask((netlink) => {
        const index = netlink.interfaceIndex(name);
        if (index !== undefined) netlink.deleteLink(index);
      }),
  };
}
