/** How the smoke test measures HTTP and idle connections, with servers of Node.js. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

import { exchange, headerOf, parseResponse } from '../../../tools/smoke/soracom/http-exchange.js';
import { idleText, IdleWatch } from '../../../tools/smoke/soracom/idle-connection.js';

const { signal } = new AbortController();
let server: Server;

afterEach(() => server.close());

async function connectTo(onConnection: (socket: Socket) => void): Promise<Socket> {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket.resume();
}

const HEAD = 'HTTP/1.1 201 Created\r\nServer: x\r\nX-A: 1\r\nx-a: 2\r\n';

describe('exchange', () => {
  const answering = (...parts: string[]) =>
    connectTo((socket) => {
      socket.once('data', () => {
        for (const part of parts) socket.write(part);
      });
    });

  it('reads a response with a length, and leaves the connection open', async () => {
    const socket = await answering(`${HEAD}Content-Length: 4\r\n\r\n`, 'b', 'ody');
    const response = await exchange(socket, 'GET / HTTP/1.1\r\n\r\n', signal);
    expect(response).toMatchObject({ status: 201, statusLine: 'HTTP/1.1 201 Created' });
    expect([response.framing, response.body.toString()]).toEqual(['length', 'body']);
    expect(headerOf(response, 'X-A')).toBe('1, 2');
    expect(response.complete).toBeGreaterThanOrEqual(response.firstByte);
    expect(socket.destroyed).toBe(false);
    expect(socket.listenerCount('data')).toBe(0);
    socket.destroy();
  });

  it('reads a response until the server closes', async () => {
    const socket = await connectTo(
      (each) => void each.once('data', () => each.end(`${HEAD}\r\nbody`)),
    );
    const response = await exchange(socket, 'GET / HTTP/1.1\r\n\r\n', signal);
    expect([response.framing, response.body.toString()]).toEqual(['until the end', 'body']);
  });

  it('fails if the connection ends within the response', async () => {
    const cut = `${HEAD}Content-Length: 9\r\n\r\nbody`;
    const socket = await connectTo((each) => void each.once('data', () => each.end(cut)));
    const response = exchange(socket, 'GET / HTTP/1.1\r\n\r\n', signal);
    await expect(response).rejects.toThrow('before the response was complete');
  });

  it('ends with the reason of the signal', async () => {
    const socket = await connectTo(() => undefined);
    const stopped = AbortSignal.abort(new Error('stopped by SIGINT'));
    await expect(exchange(socket, 'x', stopped)).rejects.toThrow('stopped by SIGINT');
    socket.destroy();
  });
});

describe('parseResponse', () => {
  const parse = (text: string, isEnded = false) => parseResponse(Buffer.from(text), isEnded);

  it('joins chunks, and waits for the last one', () => {
    const head = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
    expect(parse(`${head}4\r\nbody\r\n`)).toBeUndefined();
    expect(parse(`${head}4\r\nbody\r\n3;x=y\r\nabc\r\n0\r\n\r\n`)).toMatchObject({
      framing: 'chunked',
      body: Buffer.from('bodyabc'),
    });
  });

  it('skips interim responses', () => {
    const text = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n`;
    expect(parse(text)).toMatchObject({ status: 204, framing: 'none' });
  });

  it('waits for the head, and for a body without a length', () => {
    expect(parse(HEAD)).toBeUndefined();
    expect(parse(`${HEAD}\r\nbody`)).toBeUndefined();
  });
});

describe('IdleWatch', () => {
  it('reports a FIN', async () => {
    const socket = await connectTo((each) => void setTimeout(() => each.end(), 50));
    const end = await new IdleWatch(socket).end(60, signal);
    expect(end).toMatchObject({ how: 'FIN', detail: '' });
    expect(idleText(end)).toMatch(/^closed by the server with FIN after \d+\.\d s$/);
  });

  it('reports an RST, and data that arrived before', async () => {
    const socket = await connectTo((each) => {
      each.write('bye');
      setTimeout(() => each.resetAndDestroy(), 50);
    });
    const end = await new IdleWatch(socket).end(60, signal);
    expect(end).toMatchObject({ how: 'RST', detail: '3 bytes arrived while it was idle' });
  });

  it('reports how a connection ended before the result was needed', async () => {
    const socket = await connectTo((each) => void setTimeout(() => each.end(), 50));
    const watch = new IdleWatch(socket);
    await once(socket, 'close');
    expect(await watch.end(0.001, signal)).toMatchObject({ how: 'FIN', detail: '' });
  });

  it('reports a connection that is still open', async () => {
    const socket = await connectTo(() => undefined);
    const end = await new IdleWatch(socket).end(0.05, signal);
    expect(end.how).toBe('kept');
    expect(idleText(end)).toMatch(/^still open after/);
    socket.destroy();
  });

  it('reports a connection that had already ended', async () => {
    const socket = await connectTo((each) => each.end());
    await once(socket, 'close');
    const end = await new IdleWatch(socket).end(60, signal);
    expect(end).toMatchObject({ how: 'FIN', detail: 'before it was idle' });
  });

  it('ends with the reason of the signal', async () => {
    const socket = await connectTo(() => undefined);
    const stopped = AbortSignal.abort(new Error('stopped by SIGINT'));
    await expect(new IdleWatch(socket).end(60, stopped)).rejects.toThrow('stopped by SIGINT');
    socket.destroy();
  });
});
