/** Records the events of a stream's two ends, and the data it received. */
import { createNodeCrypto } from '../../../src/crypto/node.js';
import type { TcpConnection } from '../../../src/engine/netstack-engine.js';
import { ConnectionStream } from '../../../src/tunnel/node/connection-stream.js';
import { parseIpAddress } from '../../../src/wire/ip-address.js';
import { SERVICE, TunnelInMemory } from '../../support/pairs/tunnel-in-memory.js';
import { FAR, readText, TwoTunnels } from '../../support/pairs/two-tunnels.js';

let world: TwoTunnels;

beforeEach(async () => {
  world = new TwoTunnels();
  await world.open();
});
afterEach(() => world.close());

it('reports a reset, and closes with hadError', async () => {
  const { socket, other } = await world.pair();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  other.resetAndDestroy();
  expect(await world.error(socket)).toMatchObject({
    code: 'ECONNRESET',
    errno: -104,
    syscall: 'read',
    address: FAR,
    port: 80,
  });
  expect(await closed).toBe(true);
});

it('resets even after both ends have ended', async () => {
  const { socket, other } = await world.pair({ allowHalfOpen: true });
  other.end('x');
  await world.event(socket.resume(), 'end');
  const failure = world.error(other);
  socket.end('never all of it'.repeat(1_000_000)).resetAndDestroy();
  expect(await failure).toMatchObject({ code: 'ECONNRESET' });
});

it('discards queued data in a reset', async () => {
  const { socket, other } = await world.pair({ allowHalfOpen: true });
  other.end('x');
  await world.event(socket.resume(), 'end');
  const failure = world.error(other);
  socket.once('finish', () => socket.resetAndDestroy()).end('x');
  expect(await failure).toMatchObject({ code: 'ECONNRESET' });
});

it('reports a reset that came before a listener could be added', async () => {
  const memory = new TunnelInMemory(createNodeCrypto());
  const network = await memory.openNetwork();
  // The handshake and the reset arrive within one turn of the event loop.
  network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => stream.destroy());
  const tunnel = await memory.open();
  const target = { host: SERVICE, port: 80 };
  const dialled = tunnel.dialer.dial(target);
  const failure = new Promise((resolve) => tunnel.connect(target).once('error', resolve));
  await memory.advance(1_000);
  expect((await dialled).errored).toMatchObject({ code: 'ECONNRESET' });
  expect(await failure).toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
  await tunnel.close({ gracePeriod: 0 });
  await network.close();
});

it('keeps data and an end that arrived before a read', async () => {
  const memory = new TunnelInMemory(createNodeCrypto());
  const network = await memory.openNetwork();
  network.listenTcp({ address: parseIpAddress(SERVICE)!, port: 80 }, (stream) => {
    stream.on('error', () => undefined).end('all');
  });
  const tunnel = await memory.open();
  const text = readText(tunnel.connect({ host: SERVICE, port: 80 }));
  await memory.advance(1_000);
  expect(await text).toBe('all');
  await tunnel.close({ gracePeriod: 0 });
  await network.close();
});

describe('a batch of datagrams', () => {
  /** A stream that reads the data of `arrive` as soon as the batch is over. */
  async function open() {
    let ring = Buffer.alloc(0);
    let endBatch = (): void => undefined;
    const batches: number[] = [];
    const stream = new ConnectionStream(
      {
        now: () => 0,
        schedule: () => undefined,
        startTimer: () => ({ cancel: () => undefined }),
        beforeDrain: (handler) => {
          batches.push(batches.length);
          endBatch = handler;
        },
      },
      true,
    );
    const receive = (_limit: number, _now: number, allocate: (count: number) => Buffer) => {
      if (ring.length === 0) return undefined;
      const bytes = allocate(ring.length);
      ring.copy(bytes);
      ring = Buffer.alloc(0);
      return bytes;
    };
    const connection = { receive, remote: { address: parseIpAddress(FAR)!, port: 80 } };
    stream.attach(connection as unknown as TcpConnection);
    const chunks: string[] = [];
    const memory: number[] = [];
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk.toString());
      memory.push(chunk.buffer.byteLength);
    });
    await new Promise(setImmediate);
    const arrive = (text: string) => {
      ring = Buffer.concat([ring, Buffer.from(text)]);
      stream.observer.readable();
    };
    return { stream, chunks, memory, batches, arrive, endBatch: () => endBatch() };
  }

  it('is delivered as one chunk', async () => {
    const { chunks, batches, arrive, endBatch } = await open();
    for (const text of ['one ', 'chunk']) arrive(text);
    expect(chunks).toEqual([]);
    endBatch();
    arrive('another');
    endBatch();
    expect(chunks).toEqual(['one chunk', 'another']);
    expect(batches).toHaveLength(2);
  });

  it('has memory of its own, as with node:net', async () => {
    const { memory, arrive, endBatch } = await open();
    arrive('ten bytes.');
    endBatch();
    expect(memory).toEqual([10]);
  });

  it('is in memory of its reader after lend()', async () => {
    const { stream, chunks, memory, arrive, endBatch } = await open();
    arrive('own');
    endBatch();
    const block = new ArrayBuffer(1_000);
    const counts: number[] = [];
    stream.lend((count) => {
      counts.push(count);
      return Buffer.from(block, 0, count);
    });
    for (const text of ['lent', 'again']) {
      arrive(text);
      endBatch();
    }
    expect(chunks).toEqual(['own', 'lent', 'again']);
    expect(counts).toEqual([4, 5]);
    expect(memory).toEqual([3, 1_000, 1_000]);
  });

  it('is read before a reset in the same batch fails the stream', async () => {
    const { stream, chunks, arrive } = await open();
    const failure = new Promise((resolve) => stream.once('error', resolve));
    arrive('all');
    stream.observer.closed('reset');
    expect(await failure).toMatchObject({ code: 'ECONNRESET' });
    expect(chunks).toEqual(['all']);
  });
});
