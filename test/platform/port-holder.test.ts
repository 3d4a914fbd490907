import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

import { portHolder } from '../../src/platform/port-holder.js';
import { describeWith } from '../support/requirements.js';

describeWith(['linux'], 'the holder of a port', () => {
  it('by TCP is the process that listens there, until it ends', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    expect(await portHolder('tcp', port)).toMatch(new RegExp(`^[^/]+ \\(pid ${process.pid}\\)$`));
    expect(await portHolder('udp', port)).toBeUndefined();
    server.close();
    await once(server, 'close');
    expect(await portHolder('tcp', port)).toBeUndefined();
  });

  it('by UDP is the process that is bound to it', async () => {
    const socket = createSocket('udp6').bind(0, '::1');
    await once(socket, 'listening');
    expect(await portHolder('udp', socket.address().port)).toContain(`(pid ${process.pid})`);
    socket.close();
  });
});
