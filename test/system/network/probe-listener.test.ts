import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

import { tryListen } from '../../../src/system/network/probe-listener.js';

let server: Server;
let sockets: Set<Socket>;

async function listen(made: Server): Promise<string> {
  server = made;
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(() => {
  sockets = new Set();
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  if (!server.listening) return;
  server.close();
  await once(server, 'close');
});

it('reports a port that is in use, and leaves a free one free', async () => {
  const [, port] = (await listen(createServer())).split(':');
  expect(await tryListen('127.0.0.1', Number(port))).toMatchObject({ code: 'EADDRINUSE' });
  server.close();
  await once(server, 'close');
  expect(await tryListen('127.0.0.1', Number(port))).toBeUndefined();
  expect(await tryListen('127.0.0.1', Number(port))).toBeUndefined();
});

it('reports an address that this machine does not have', async () => {
  expect(await tryListen('192.0.2.1', 0)).toMatchObject({ code: 'EADDRNOTAVAIL' });
  await listen(createServer());
});
