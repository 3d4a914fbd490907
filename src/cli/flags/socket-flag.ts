import { grouped } from './flag.js';

/** The flag that selects the UDP socket type, for commands that carry TCP streams. */
export const socketFlag = grouped('Tunnel', {
  socket: {
    type: 'choice',
    description:
      'How datagrams go to the system: in batches (batch, on Linux with the package koffi), one by one (dgram), or in batches where that can be (auto).',
    options: ['auto', 'dgram', 'batch'],
    default: 'auto',
    env: 'ARCTUN_SOCKET',
  },
});
