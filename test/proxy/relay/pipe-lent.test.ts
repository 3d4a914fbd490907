import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';

import { type LendingSource, pipeLent } from '../../../src/proxy/relay/pipe-lent.js';
import { Relay } from '../../../src/proxy/relay/relay.js';
import { until } from '../../support/until.js';

type Allocate = (count: number) => Buffer;

/** A source that copies each chunk into the memory that it was lent, as a tunnel's stream does. */
class Source extends Duplex implements LendingSource {
  /** The memory of all chunks, in order. */
  readonly memories: ArrayBufferLike[] = [];
  wantsMore = false;
  #allocate: Allocate = (count) => Buffer.alloc(count);

  constructor() {
    super({ readableHighWaterMark: 64 * 1024 });
  }

  lend(allocate: Allocate): void {
    this.#allocate = allocate;
  }

  /** Returns whether the stream wants more. */
  give(bytes: Buffer): boolean {
    const chunk = this.#allocate(bytes.length);
    bytes.copy(chunk);
    this.memories.push(chunk.buffer);
    return (this.wantsMore = this.push(chunk));
  }

  override _read(): void {
    this.wantsMore = true;
    this.emit('wanted');
  }

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

let server: Server;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = createServer({ pauseOnConnect: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** Returns a program's end, which does not read yet, and the accepted end. */
async function connection(): Promise<[Socket, Socket]> {
  const { port } = server.address() as { port: number };
  const client = connect(port, '127.0.0.1').pause();
  const [accepted] = (await once(server, 'connection')) as [Socket];
  sockets.push(client, accepted);
  return [client, accepted];
}

function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = index * 31 + seed + (index >> 8);
  return bytes;
}

async function readAll(client: Socket, count: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  client.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
  });
  client.resume();
  while (length < count) await once(client, 'data');
  return Buffer.concat(chunks);
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

it('passes on all bytes in order and counts them, in memory that it uses again', async () => {
  const [client, accepted] = await connection();
  const source = new Source();
  let count = 0;
  pipeLent(source, accepted, (bytes) => (count += bytes));
  const sent: Buffer[] = [];
  const received = readAll(client, 200 * 20_000);
  for (let index = 0; index < 200; index++) {
    const bytes = pattern(20_000, index);
    sent.push(bytes);
    if (!source.give(bytes)) await once(source, 'wanted');
    await turns(1);
  }
  expect((await received).equals(Buffer.concat(sent))).toBe(true);
  expect(count).toBe(200 * 20_000);
  expect(new Set(source.memories).size).toBeLessThan(100);
});

it('does not use memory again before the system has taken its bytes', async () => {
  const stalled: [Socket, Buffer][] = [];
  for (let seed = 0; seed < 2; seed++) {
    const [client, accepted] = await connection();
    const source = new Source();
    pipeLent(source, accepted, () => undefined);
    const sent: Buffer[] = [];
    // The client does not read, so these bytes stay in the system, in the socket and in the stream.
    for (let index = 0; index < 2_000; index++) {
      const bytes = pattern(9_000 + index, seed + index);
      sent.push(bytes);
      if (!source.give(bytes)) {
        await turns(3);
        if (!source.wantsMore) break;
      }
    }
    expect(accepted.writableNeedDrain).toBe(true);
    expect(source.readableLength).toBeGreaterThan(0);
    stalled.push([client, Buffer.concat(sent)]);
  }
  for (const [client, bytes] of stalled.reverse()) {
    expect((await readAll(client, bytes.length)).equals(bytes)).toBe(true);
  }
});

it('keeps at most 16 blocks of a size for later chunks', async () => {
  const [client, accepted] = await connection();
  const source = new Source();
  pipeLent(source, accepted, () => undefined);
  for (let burst = 0; burst < 2; burst++) {
    const received = readAll(client, 40 * 20_000);
    // All 40 blocks are in use at the same time.
    for (let index = 0; index < 40; index++) source.give(pattern(20_000, index));
    await received;
    await until(() => accepted.writableLength === 0 && source.readableLength === 0);
    await turns(5);
  }
  expect(new Set(source.memories).size).toBe(40 + 40 - 16);
});

it('waits for a socket that has unsent bytes already', async () => {
  const [client, accepted] = await connection();
  const before = Buffer.alloc(16 * 1024 * 1024, 1);
  expect(accepted.write(before)).toBe(false);
  const source = new Source();
  let count = 0;
  pipeLent(source, accepted, (bytes) => (count += bytes));
  source.give(pattern(10_000, 1));
  await turns(5);
  expect(count).toBe(0);
  const received = await readAll(client, before.length + 10_000);
  expect(received.subarray(before.length).equals(pattern(10_000, 1))).toBe(true);
});

it('never uses the memory of other chunks, or of short ones', async () => {
  const [client, accepted] = await connection();
  const source = new Source();
  const foreign = pattern(16 * 1024, 7);
  const { buffer } = foreign;
  source.push(foreign);
  pipeLent(source, accepted, () => undefined);
  const received = readAll(client, 16 * 1024 + 100 + 10 * 16_000);
  source.give(pattern(100, 1));
  await turns(3);
  for (let index = 0; index < 10; index++) {
    source.give(pattern(16_000, index));
    await turns(3);
  }
  await received;
  expect(source.memories.slice(1)).not.toContain(buffer);
  expect(source.memories.slice(1)).not.toContain(source.memories[0]);
  expect(source.memories[0]?.byteLength).toBe(100);
});

it('allocates memory of its own for a chunk that is longer than all of its memory', async () => {
  const [client, accepted] = await connection();
  const source = new Source();
  pipeLent(source, accepted, () => undefined);
  const bytes = pattern(100_000, 3);
  const received = readAll(client, bytes.length);
  source.give(bytes);
  expect((await received).equals(bytes)).toBe(true);
  expect(source.memories[0]?.byteLength).toBe(100_000);
});

describe('a relay of such a stream and a socket', () => {
  async function relayed() {
    const [client, accepted] = await connection();
    const source = new Source();
    const over = new Promise<void>((resolve) => new Relay(accepted, source, resolve));
    return { client, accepted, source, over };
  }

  it('passes on all bytes, and the end after them', async () => {
    const { client, source, over } = await relayed();
    const sent = Array.from({ length: 50 }, (_, index) => pattern(30_000, index));
    for (const bytes of sent) source.give(bytes);
    source.push(null);
    const all = Buffer.concat(sent);
    const received = readAll(client, all.length);
    await once(client, 'end');
    expect((await received).equals(all)).toBe(true);
    client.end();
    await over;
  });

  it('resets the client if the stream fails while chunks wait', async () => {
    const { client, accepted, source, over } = await relayed();
    for (let index = 0; index < 400; index++) source.give(pattern(30_000, index));
    await turns(3);
    source.destroy(new Error('planted'));
    await over;
    expect(accepted.destroyed).toBe(true);
    expect(accepted.writableFinished).toBe(false);
    client.on('error', () => undefined).resume();
    await once(client, 'close');
  });

  it('resets the stream if the client disconnects while chunks wait', async () => {
    const { client, source, over } = await relayed();
    source.on('error', () => undefined);
    for (let index = 0; index < 400; index++) source.give(pattern(30_000, index));
    await turns(3);
    client.resetAndDestroy();
    await over;
    expect(source.destroyed).toBe(true);
    // The memory of the chunks is free, and the next connection's bytes are its own.
    const next = await relayed();
    const received = readAll(next.client, 40_000);
    next.source.give(pattern(20_000, 1));
    next.source.give(pattern(20_000, 2));
    const bytes = Buffer.concat([pattern(20_000, 1), pattern(20_000, 2)]);
    expect((await received).equals(bytes)).toBe(true);
    next.client.destroy();
  });
});
