import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer, type Server } from 'node:net';
import { Duplex } from 'node:stream';

import { type ImmediateSink, pipeSocket } from '../../../src/proxy/relay/pipe-socket.js';

/** A sink that accepts `room` bytes immediately, and the rest when release() is called. */
class Sink extends Duplex implements ImmediateSink {
  received = Buffer.alloc(0);
  room = Infinity;
  writes = 0;
  ended = false;
  #waiting: (() => void) | undefined;

  writeNow(bytes: Uint8Array): number {
    if (this.writableLength > 0) return 0;
    const taken = Math.min(bytes.length, this.room);
    this.room -= taken;
    this.#take(bytes.subarray(0, taken));
    return taken;
  }

  release(room: number): void {
    this.room = room;
    this.#waiting?.();
    this.#waiting = undefined;
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.writes++;
    const accept = (): void => {
      this.#take(chunk);
      done();
    };
    if (this.room > 0) accept();
    else this.#waiting = accept;
  }

  override _final(done: () => void): void {
    this.ended = true;
    done();
  }

  override _read(): void {
    // This direction is not used.
  }

  #take(bytes: Uint8Array): void {
    this.received = Buffer.concat([this.received, bytes]);
    this.emit('taken');
  }
}

let server: Server;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** Returns both ends of a new connection: the program's and the accepted one. */
async function connection(): Promise<[Socket, Socket]> {
  const { port } = server.address() as { port: number };
  const client = connect(port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  sockets.push(client, accepted);
  return [client, accepted];
}

async function receives(sink: Sink, count: number): Promise<void> {
  while (sink.received.length < count) await once(sink, 'taken');
}

function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = index * 31 + seed + (index >> 8);
  return bytes;
}

function piped(accepted: Socket, sink: ImmediateSink): { count: number } {
  const counter = { count: 0 };
  pipeSocket(accepted, sink, (count) => (counter.count += count));
  accepted.once('end', () => sink.end());
  return counter;
}

describe('a socket that is piped through shared memory', () => {
  it('passes on all bytes in order, and counts the bytes', async () => {
    const [client, accepted] = await connection();
    const sink = new Sink();
    const counter = piped(accepted, sink);
    const bytes = pattern(3_000_000, 1);
    client.end(bytes);
    await once(sink, 'finish');
    expect(sink.received.equals(bytes)).toBe(true);
    expect(counter.count).toBe(bytes.length);
    expect(sink.writes).toBe(0);
  });

  it('passes on the bytes that wait in the socket before those that arrive later', async () => {
    const [client, accepted] = await connection();
    client.write('first ');
    await once(accepted, 'readable');
    accepted.unshift(accepted.read() as Buffer);
    const sink = new Sink();
    const counter = piped(accepted, sink);
    client.end('second');
    await once(sink, 'finish');
    expect(sink.received.toString()).toBe('first second');
    expect(counter.count).toBe(12);
  });

  it('passes on bytes whose end has arrived already', async () => {
    const [client, accepted] = await connection();
    client.end('all');
    accepted.on('readable', () => undefined);
    while (!accepted.readableLength) await once(accepted, 'readable');
    const sink = new Sink();
    piped(accepted, sink);
    await once(sink, 'finish');
    expect(sink.received.toString()).toBe('all');
  });

  it('stops reading while the sink is full', async () => {
    const [client, accepted] = await connection();
    const sink = new Sink();
    sink.room = 1000;
    const counter = piped(accepted, sink);
    const bytes = pattern(2_000_000, 2);
    client.end(bytes);
    await receives(sink, 1000);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(counter.count).toBeLessThanOrEqual(64 * 1024);
    sink.release(Infinity);
    await once(sink, 'finish');
    expect(sink.received.equals(bytes)).toBe(true);
  });

  it('keeps waiting bytes while another connection is read', async () => {
    const [slowClient, slowSocket] = await connection();
    const slow = new Sink();
    slow.room = 10;
    piped(slowSocket, slow);
    const slowBytes = pattern(50_000, 3);
    slowClient.end(slowBytes);
    await receives(slow, 10);

    const [client, accepted] = await connection();
    const sink = new Sink();
    piped(accepted, sink);
    const bytes = pattern(500_000, 4);
    client.end(bytes);
    await once(sink, 'finish');
    expect(sink.received.equals(bytes)).toBe(true);

    slow.release(Infinity);
    await once(slow, 'finish');
    expect(slow.received.equals(slowBytes)).toBe(true);
  });

  it('does not reuse the memory of waiting bytes before the sink has taken them', async () => {
    const stalled: [Sink, Buffer][] = [];
    for (let seed = 10; seed < 15; seed++) {
      const [client, accepted] = await connection();
      const sink = new Sink();
      sink.room = 1;
      piped(accepted, sink);
      const bytes = pattern(30_000, seed);
      client.end(bytes);
      await receives(sink, 1);
      stalled.push([sink, bytes]);
    }
    for (const [sink, bytes] of stalled.reverse()) {
      sink.release(Infinity);
      await once(sink, 'finish');
      expect(sink.received.equals(bytes)).toBe(true);
    }
  });

  it('does not read after the sink was destroyed', async () => {
    const [client, accepted] = await connection();
    const sink = new Sink();
    sink.room = 0;
    const counter = piped(accepted, sink);
    client.write(pattern(100, 5));
    while (counter.count === 0) await new Promise((resolve) => setImmediate(resolve));
    sink.on('error', () => undefined).destroy();
    client.write(pattern(100, 6));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(counter.count).toBeLessThanOrEqual(200);
    expect(sink.received).toHaveLength(0);
  });

  it('reports a lost connection', async () => {
    const [client, accepted] = await connection();
    const sink = new Sink();
    piped(accepted, sink);
    const errors: unknown[] = [];
    accepted.on('error', (error) => errors.push(error));
    const lost = new Promise((resolve) => accepted.once('close', resolve));
    client.resetAndDestroy();
    await lost;
    expect(errors).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
    expect(sink.ended).toBe(false);
  });

  it('pipes a socket as usual if it has no handle of the expected kind', async () => {
    const [client, accepted] = await connection();
    const handle = (accepted as unknown as { _handle: object })._handle;
    Object.defineProperty(handle, 'useUserBuffer', { value: undefined });
    const sink = new Sink();
    const counter = piped(accepted, sink);
    client.end('plain');
    await once(sink, 'finish');
    expect(sink.received.toString()).toBe('plain');
    expect(counter.count).toBe(5);
    expect(sink.writes).toBe(1);
  });
});

it('reads without new memory for each read', async () => {
  const [client, accepted] = await connection();
  const sink = new Sink();
  const buffers = new Set<ArrayBufferLike>();
  sink.writeNow = (bytes) => {
    buffers.add(bytes.buffer);
    return bytes.length;
  };
  piped(accepted, sink);
  client.end(pattern(5_000_000, 7));
  await once(sink, 'finish');
  expect(buffers.size).toBe(1);
});
