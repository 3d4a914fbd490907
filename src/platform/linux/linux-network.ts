/** Tun devices of this network namespace. */
import type { DatagramSockets, PacketDevices } from '../../tunnel/ports.js';
import { batchedUdpSockets } from './batched-udp-socket.js';
import { setUpInterface } from './interface-setup.js';
import { type Libc, loadLibc } from './libc.js';
import { Readiness } from './readiness.js';
import { Rtnetlink } from './rtnetlink.js';
import { openTunDevice } from './tun-device.js';

export interface LinuxNetwork {
  readonly devices: PacketDevices;
  readonly sockets: DatagramSockets;
}

/** Whether this is Linux, and koffi loads. */
export async function hasLinuxNetwork(): Promise<boolean> {
  return (await loadLibc()) !== undefined;
}

/** Undefined where this is not Linux, or koffi does not load. */
export async function linuxNetwork(): Promise<LinuxNetwork | undefined> {
  const libc = await loadLibc();
  if (libc === undefined) return undefined;
  const readiness = new Readiness(libc);
  return {
    devices: packetDevices(libc, readiness),
    sockets: batchedUdpSockets({ libc, readiness }),
  };
}

function packetDevices(libc: Libc, readiness: Readiness): PacketDevices {
  return {
    open: (name) => openTunDevice({ libc, readiness, name }),
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
