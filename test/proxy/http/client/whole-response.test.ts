import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer, type Socket } from 'node:net';

import type { ClientResponse } from '../../../../src/proxy/http/client/client-message.js';
import { WholeResponse } from '../../../../src/proxy/http/client/whole-response.js';
import { Cleanup, until } from '../../support/forwarding.js';
import { listen } from '../../support/scripted-server.js';
import { rawClient, type Wire } from '../../support/wire.js';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const KEEP_ALIVE = 65_000;

interface Side {
  readonly client: Wire;
  readonly socket: Socket;
  readonly response: ClientResponse;
  /** Whether the response has called its onSent; undefined with Node. */
  isSent?: boolean;
}

async function connected(server: Server | ReturnType<typeof createServer>): Promise<Wire> {
  const client = rawClient(`http://127.0.0.1:${await listen(server)}`);
  cleanup.add(() => {
    client.socket.destroy();
    server.close();
  });
  return client;
}

async function whole({ method = 'GET', keepAliveTimeout = KEEP_ALIVE } = {}): Promise<Side> {
  const server = createServer();
  const client = await connected(server);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const onSent = (): void => void (side.isSent = true);
  socket.on('error', () => undefined);
  const options = { isHead: method === 'HEAD', keepAliveTimeout, onSent };
  const side: Side = { client, socket, response: new WholeResponse(socket, options) };
  return side;
}

async function byNode({ method = 'GET', keepAliveTimeout = KEEP_ALIVE } = {}): Promise<Side> {
  const server = createHttpServer({ keepAliveTimeout });
  const client = await connected(server);
  client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
  const [{ socket }, response] = (await once(server, 'request')) as [
    { socket: Socket },
    ClientResponse,
  ];
  return { client, socket, response };
}

/** What the client gets, without the time in Date, and how the connection ends. */
async function seen({ client, socket, response }: Side, script: Script) {
  const finished = new Promise<void>((resolve) => response.once('finish', resolve));
  await script(response);
  await finished;
  if (!response.shouldKeepAlive) await client.ended();
  await until(() => client.received.length === socket.bytesWritten);
  const received = client.received.replace(/^Date: .*GMT/m, 'Date: …');
  return { received, ending: client.ending };
}

type Script = (response: ClientResponse) => unknown;

const turn = (): Promise<void> => new Promise(setImmediate);

async function turns(): Promise<void> {
  for (let count = 0; count < 20; count++) await turn();
}

const LENGTH_2 = ['Content-Type', 'text/plain', 'Content-Length', '2'];

describe('sends the same bytes as Node:', () => {
  /** Writes the head and the parts of a body; an empty text ends the turn of the event loop. */
  function script(status: number, fields: string[], ...parts: (string | Buffer)[]): Script {
    return async (response) => {
      response.writeHead(status, 'X', fields);
      for (const part of parts) {
        if (part === '') await turn();
        else response.write(part);
      }
      response.end();
    };
  }

  const TRAILERS: [string, string][] = [
    ['A', '1'],
    ['B', '2'],
  ];

  const SCRIPTS: [string, Script][] = [
    ['a response with Date', script(502, LENGTH_2, 'no')],
    [
      'the last response, without Date',
      (response) => {
        Object.assign(response, { sendDate: false, shouldKeepAlive: false });
        return script(200, LENGTH_2, Buffer.from('ok'))(response);
      },
    ],
    ['the parts of a body in two turns', script(200, LENGTH_2, '', 'o', '', 'k')],
    ['two parts of a body in one turn', script(200, LENGTH_2, Buffer.from('o'), Buffer.from('k'))],
    [
      'chunks with trailers',
      (response) => {
        response.addTrailers(TRAILERS);
        return script(200, ['Trailer', 'A'], 'a'.repeat(300), '', 'b', 'c')(response);
      },
    ],
    [
      'trailers without chunks',
      (response) => {
        response.addTrailers(TRAILERS);
        return script(200, LENGTH_2, 'ok')(response);
      },
    ],
    ['chunks without a body', script(200, [], '')],
    ['204, and no body', script(204, [], 'dropped')],
    ['304, and no body', script(304, LENGTH_2, 'dropped')],
    [
      'obs-text in a field',
      script(200, ['X', '\xe9\xff', 'content-length', '3'], Buffer.from('あ')),
    ],
    ['a long body', script(200, ['Content-Length', '200000'], Buffer.alloc(2e5, 'a'))],
    ['a long chunk after a short one', script(200, [], 'a', Buffer.alloc(1e5, 'b'))],
    [
      'one response if end() is called twice',
      async (response) => {
        await script(200, [])(response);
        response.end();
      },
    ],
  ];

  it.each(SCRIPTS)('%s', async (_, run) => {
    expect(await seen(await whole(), run)).toEqual(await seen(await byNode(), run));
  });

  // Node refuses to announce trailers of a response without chunks; the forwarder does not.
  const ALSO_TO_HEAD = SCRIPTS.filter(([name]) => name !== 'chunks with trailers');

  it.each(ALSO_TO_HEAD)('%s, to HEAD', async (_, run) => {
    const method = 'HEAD';
    const expected = await seen(await byNode({ method }), run);
    expect(await seen(await whole({ method }), run)).toEqual(expected);
  });

  it.each([0, 500, 1_999, 5_000])(
    'with a keep-alive timeout of %i ms',
    async (keepAliveTimeout) => {
      const [, run] = SCRIPTS[0]!;
      const expected = await seen(await byNode({ keepAliveTimeout }), run);
      expect(await seen(await whole({ keepAliveTimeout }), run)).toEqual(expected);
    },
  );
});

/** The number of bytes of each write to a socket. */
function countWrites(socket: Socket): number[] {
  const lengths: number[] = [];
  const write = socket.write.bind(socket) as (bytes: Buffer, done?: () => void) => boolean;
  socket.write = (bytes: Buffer | string, done?: unknown) => {
    lengths.push(bytes.length);
    return write(bytes as Buffer, done as () => void);
  };
  return lengths;
}

it('sends a response that is complete in one turn with one write', async () => {
  const { response, socket } = await whole();
  const lengths = countWrites(socket);
  response.writeHead(200, 'OK', LENGTH_2);
  response.write(Buffer.from('ok'));
  response.end();
  await new Promise<void>((resolve) => response.once('finish', resolve));
  expect(lengths).toHaveLength(1);
});

it('sends the start of a body at the end of the turn', async () => {
  const { client, response } = await whole();
  response.writeHead(200, 'OK', ['Content-Length', '2']);
  response.write(Buffer.from('o'));
  await client.until(/\r\n\r\no$/);
});

it('reports what it has sent', async () => {
  const side = await whole();
  const { response } = side;
  expect(response).toMatchObject({ headersSent: false, writableEnded: false });
  response.writeHead(200, 'OK', LENGTH_2);
  expect(response).toMatchObject({ headersSent: true, writableEnded: false });
  const isSentAtFinish: (boolean | undefined)[] = [];
  response.once('finish', () => isSentAtFinish.push(side.isSent));
  response.end();
  expect(response).toMatchObject({ headersSent: true, writableEnded: true });
  expect(isSentAtFinish).toEqual([]);
  await until(() => isSentAtFinish.length > 0);
  expect(isSentAtFinish).toEqual([undefined]);
  expect(side.isSent).toBe(true);
});

it('is not finished if the connection is lost', async () => {
  const side = await whole();
  const { response, socket } = side;
  let isFinished = false;
  response.once('finish', () => (isFinished = true));
  response.writeHead(200, 'OK', LENGTH_2);
  response.write(Buffer.from('ok'));
  socket.destroy();
  response.end();
  await once(socket, 'close');
  await turn();
  expect({ isFinished, isSent: side.isSent }).toEqual({ isFinished: false, isSent: undefined });
});

it.each([
  [16_384, 0],
  [16_385, 2],
])(
  'sends a first part of %i bytes with the end of the response, if it is short',
  async (size, writes) => {
    const { response, socket } = await whole();
    const lengths = countWrites(socket);
    response.writeHead(200, 'OK', ['Content-Length', String(size)]);
    response.write(Buffer.alloc(size));
    expect(lengths).toHaveLength(writes);
    response.end();
  },
);

it('sends the parts of a turn together, and waits once for the client to read', async () => {
  const { response, socket } = await whole();
  response.writeHead(200, 'OK', []);
  for (let count = 0; count < 24; count++) response.write(Buffer.alloc(4_096));
  expect(socket.writableLength).toBeGreaterThan(23 * 4_096);
  expect(socket.listenerCount('drain')).toBe(1);
  await new Promise<void>((resolve) => response.once('drain', resolve));
  expect(socket.listenerCount('drain')).toBe(0);
});

it('returns false while the client does not read, and emits drain afterwards', async () => {
  const { client, response } = await whole();
  client.socket.pause();
  response.writeHead(200, 'OK', []);
  const chunk = Buffer.alloc(64 * 1024, '.');
  let count = 0;
  // A write can return false and still reach the kernel.
  for (let isFull = false; !isFull;) {
    while (response.write(chunk)) count++;
    count++;
    const drained = new Promise<false>((resolve) => response.once('drain', () => resolve(false)));
    isFull = await Promise.race([drained, turns().then(() => true)]);
  }
  const drained = new Promise<void>((resolve) => response.once('drain', resolve));
  client.socket.resume();
  await drained;
  response.end();
  await until(() => client.received.endsWith('\r\n0\r\n\r\n'));
  expect(client.received.match(/\.{65536}/g)?.length).toBe(count);
});
