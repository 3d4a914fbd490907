import { grouped } from './flag.js';

/** The flag that selects the UDP socket type, for commands that carry TCP streams. */
export const socketFlag = grouped('Tunnel', {
  socket: {
    type: 'choice',
    description:
      'How to send UDP packets: in batches (batch, which needs Linux and koffi), one by one (dgram), or in batches if possible (auto).',
    options: ['auto', 'dgram', 'batch'],
    default: 'auto',
    env: 'ARCTUN_SOCKET',
  },
});
