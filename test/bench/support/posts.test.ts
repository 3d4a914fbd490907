import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

import { posts } from '../../../bench/support/posts.js';

const RESPONSE = 'HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n';
const LAST_RESPONSE = 'HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

describe('small POSTs', () => {
  let server: Server;
  let sockets: Socket[];
  let url: string;
  /** Handles a request, given the number of earlier ones on its connection. */
  let onRequest: (socket: Socket, earlier: number) => unknown;

  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => {
      let earlier = 0;
      sockets.push(socket);
      socket.on('data', () => onRequest(socket, earlier++));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  /** Each of the first connections carries one POST that is not counted, and at least one more. */
  const send = (connections: number) =>
    posts({ url, connections, milliseconds: 5 }, () => Promise.resolve());

  it('use their connections again', async () => {
    onRequest = (socket) => socket.write(RESPONSE);
    expect((await send(3)).perSecond).toBeGreaterThanOrEqual((3 * 1000) / 5);
    expect(sockets).toHaveLength(3);
  });

  it('do not use a connection again that the server will close', async () => {
    // The server's FIN may be late.
    onRequest = (socket, earlier) => {
      if (earlier === 0) socket.write(LAST_RESPONSE);
      else socket.end();
    };
    expect((await send(3)).perSecond).toBeGreaterThanOrEqual((3 * 1000) / 5);
    expect(sockets.length).toBeGreaterThanOrEqual(6);
  });

  it('fail if the response has another status', async () => {
    onRequest = (socket, earlier) =>
      socket.write(earlier === 0 ? RESPONSE : RESPONSE.replace('201 Created', '200 OK'));
    await expect(send(1)).rejects.toThrow('200 OK');
  });

  it('fail if a connection is closed without a response', async () => {
    onRequest = (socket, earlier) => (earlier === 0 ? socket.write(RESPONSE) : socket.end());
    await expect(send(1)).rejects.toThrow('closed after ""');
  });
});
