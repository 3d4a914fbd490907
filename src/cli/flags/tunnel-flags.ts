import { UNIFIED_ENDPOINT } from '../../proxy/forward/target.js';
import { grouped } from './flag.js';

/** Flags of every command that opens a tunnel. */
export const tunnelFlags = grouped('Tunnel', {
  mode: {
    type: 'choice',
    description:
      'Where the tunnel ends: at a network interface (tun) or in userspace; auto takes an interface where it may, and no flag asks for what userspace alone has.',
    options: ['auto', 'tun', 'userspace'],
    default: 'auto',
    env: 'ARCTUN_MODE',
  },
  wait: {
    type: 'integer',
    description: 'Seconds to wait for the first handshake; 0 waits for ever.',
    default: 20,
    min: 0,
    env: 'ARCTUN_WAIT',
  },
  'forward-to': {
    type: 'string',
    description: 'Where messages go inside the tunnel, as ADDRESS or ADDRESS:PORT.',
    default: `${UNIFIED_ENDPOINT}:80`,
    env: 'ARCTUN_FORWARD_TO',
  },
  force: {
    type: 'boolean',
    description:
      'Open the tunnel although another arctun of this machine uses the SIM: the two disconnect each other.',
  },
});

/** The flag for TCP congestion control, for commands that carry TCP streams. */
export const congestionFlag = grouped('Tunnel', {
  congestion: {
    type: 'choice',
    description: 'How TCP inside the tunnel shares the path with others.',
    options: ['bbr', 'cubic', 'reno'],
    default: 'bbr',
    env: 'ARCTUN_CONGESTION',
  },
});
