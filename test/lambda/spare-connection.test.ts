import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

import { SpareConnection } from '../../src/lambda/spare-connection.js';
import { abortListeners } from '../support/abort-listeners.js';

const clock = { unix: 1_800_000_000_000 };
const wallClock = { unixMilliseconds: () => clock.unix };
let spare: SpareConnection;
let dialled: Duplex[];

/** A connection that is open at once. */
const dial = () => {
  const stream = new PassThrough();
  dialled.push(stream);
  return Promise.resolve(stream);
};

beforeEach(() => {
  spare = new SpareConnection(wallClock);
  dialled = [];
});

it('is given only once', async () => {
  spare.prepare(dial);
  expect(await spare.take()).toBe(dialled[0]);
  expect(spare.take()).toBeUndefined();
});

it('is awaited if it is still being opened', async () => {
  let open: (stream: Duplex) => void = () => undefined;
  spare.prepare(() => new Promise((resolve) => (open = resolve)));
  const taken = spare.take();
  const stream = new PassThrough();
  open(stream);
  expect(await taken).toBe(stream);
});

it('is kept while it is young, and then replaced', async () => {
  spare.prepare(dial);
  clock.unix += 4_999;
  spare.prepare(dial);
  expect(dialled).toHaveLength(1);
  clock.unix += 1;
  spare.prepare(dial);
  await turn();
  expect(dialled).toHaveLength(2);
  expect(dialled[0]!.destroyed).toBe(true);
  expect(await spare.take()).toBe(dialled[1]);
});

it.each([
  ['after a freeze', 5_000],
  ['after the clock was set back', -1],
])('is not used %s', async (_, passed) => {
  spare.prepare(dial);
  clock.unix += passed;
  expect(spare.take()).toBeUndefined();
  await turn();
  expect(dialled[0]!.destroyed).toBe(true);
});

it.each<[string, (stream: PassThrough) => void]>([
  ['has ended it', (stream) => stream.end()],
  ['has sent something', (stream) => stream.write('HTTP/1.1 408 Request Timeout\r\n\r\n')],
  ['has reset it', (stream) => stream.destroy(new Error('ECONNRESET'))],
])('is discarded if its other end %s', async (_, act) => {
  spare.prepare(dial);
  await turn();
  act(dialled[0] as PassThrough);
  await turn();
  await turn();
  expect(spare.take()).toBeUndefined();
  expect(dialled[0]!.destroyed).toBe(true);
});

it('does not exist if it cannot be opened', async () => {
  spare.prepare(() => Promise.reject(new Error('refused')));
  await turn();
  expect(spare.take()).toBeUndefined();
});

it('reports an error to a dial that waits for it', async () => {
  spare.prepare(async () => {
    await turn();
    throw new Error('refused');
  });
  await expect(spare.take()).rejects.toThrow('refused');
});

it('is closed if it is not used, also while it is being opened', async () => {
  let signal: AbortSignal | undefined;
  let open: (stream: Duplex) => void = () => undefined;
  spare.prepare((given) => {
    signal = given;
    return new Promise((resolve) => (open = resolve));
  });
  spare.discard();
  expect(signal!.aborted).toBe(true);
  const stream = new PassThrough();
  open(stream);
  await turn();
  expect(stream.destroyed).toBe(true);
});

it('carries a request and its answer as any other connection does', async () => {
  const server = createServer((incoming, answer) => {
    incoming.resume().on('end', () => answer.writeHead(201).end('taken'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    spare.prepare(
      () =>
        new Promise((resolve) => {
          const socket = connect({ host: '127.0.0.1', port }, () => resolve(wrapped(socket)));
        }),
    );
    await turn();
    const stream = (await spare.take())!;
    const text = await new Promise<string>((resolve, reject) => {
      const outgoing = request({ createConnection: () => stream, method: 'POST' }, (answer) => {
        let body = String(answer.statusCode);
        answer.on('data', (chunk) => (body += ` ${String(chunk)}`)).on('end', () => resolve(body));
      });
      outgoing.on('error', reject);
      outgoing.end('message');
    });
    expect(text).toBe('201 taken');
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

/** A stream that is not a net.Socket, as a connection of the tunnel. */
function wrapped(socket: Duplex): Duplex {
  const stream = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Uint8Array, _, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
  });
  socket.on('data', (chunk) => void stream.push(chunk));
  socket.on('end', () => stream.push(null));
  return stream;
}

it('leaves no listener on the signal of its users', async () => {
  const stop = new AbortController();
  for (let count = 0; count < 20; count++) {
    spare.prepare(dial);
    await spare.take(stop.signal);
  }
  expect(abortListeners(stop)).toBe(0);
});
