/** Opens the tunnel under a network interface. */
import { codeOf, messageOf } from '../lib/error-message.js';
import { UserError } from '../lib/user-error.js';
import type { PacketDevice, PacketDevices } from '../tunnel/ports.js';
import { TunTunnel } from '../tunnel/tun-tunnel.js';
import type { TunnelConfig } from '../tunnel/tunnel-config.js';
import type { TunnelPorts } from '../tunnel/userspace-tunnel.js';

/**
 * Gives the device its addresses and routes, and starts the handshake.
 *
 * @throws UserError where the system refuses what the device is to have: `permission` for want of a
 *   right, `tunnel` else
 */
export async function openTun(
  config: TunnelConfig,
  ports: TunnelPorts,
  devices: PacketDevices | undefined,
  device: PacketDevice,
): Promise<TunTunnel> {
  if (devices === undefined) throw new TypeError('a device without those who made it');
  try {
    return await TunTunnel.open(config, ports, devices, device);
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    const what = `cannot configure the network interface ${device.name}`;
    const text = { what, why: messageOf(error), next: [nextFor(code)] };
    throw new UserError(code === 'EPERM' ? 'permission' : 'tunnel', text, { cause: error });
  }
}

function nextFor(code: string): string {
  switch (code) {
    case 'EPERM':
      return 'Addresses and routes take the capability CAP_NET_ADMIN, also on an interface that was made in advance.';
    case 'EEXIST':
      return 'The system has it already: remove it there, or take it out of the allowed IPs.';
    default:
      return 'Or use --mode userspace, which leaves the network of this machine as it is.';
  }
}
