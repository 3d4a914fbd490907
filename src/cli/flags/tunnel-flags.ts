import { grouped } from './flag.js';

/** Flags of every command that opens a tunnel. */
export const tunnelFlags = grouped('Tunnel', {
  mode: {
    type: 'choice',
    description:
      "Tunnel mode. auto uses a network interface (tun) if permitted, unless a userspace-only flag is given. kernel uses the Linux kernel's WireGuard implementation.",
    options: ['auto', 'tun', 'kernel', 'userspace'],
    default: 'auto',
    env: 'ARCTUN_MODE',
  },
  wait: {
    type: 'integer',
    description: 'Seconds to wait for the first handshake; 0 waits forever.',
    default: 20,
    min: 0,
    helpValue: 'SECONDS',
    env: 'ARCTUN_WAIT',
  },
  force: {
    type: 'boolean',
    description:
      'Open the tunnel even if another arctun process on this machine is using the SIM. The two tunnels will keep disconnecting each other.',
  },
});

/** The flag for TCP congestion control, for commands that carry TCP streams. */
export const congestionFlag = grouped('Tunnel', {
  congestion: {
    type: 'choice',
    description: 'TCP congestion control inside the tunnel.',
    options: ['bbr', 'cubic', 'reno'],
    default: 'bbr',
    env: 'ARCTUN_CONGESTION',
  },
});
