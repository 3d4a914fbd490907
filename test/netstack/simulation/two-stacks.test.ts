import {
  connectPair,
  Endpoint,
  LEFT_ADDRESS,
  NetstackPair,
  patternBytes,
  RIGHT_ADDRESS,
  type LinkOptions,
} from '../../support/pairs/netstack-pair.js';
import { atLength } from '../../support/runner/tier.js';

const SIZE = atLength({ short: 500_000, long: 10_000_000 });
const THERE = patternBytes(SIZE, 1);
const BACK = patternBytes(SIZE, 2);
const HOUR = 3_600_000;

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

function ended(...endpoints: Endpoint[]): () => boolean {
  return () => endpoints.every(({ events }) => events.at(-1)?.startsWith('closed') ?? false);
}

describe(`${SIZE / 1e6} MB each way`, () => {
  // The limits are twice the duration of a run of 10 MB, so that lower throughput fails the test.
  const LINKS: Record<string, [link: LinkOptions, milliseconds: number]> = {
    'a clean link': [{}, 2_000],
    '10 % loss': [{ loss: 0.1 }, 240_000],
    reordering: [{ reorder: 0.2, jitter: 5 }, 50_000],
    'a bottleneck of 10 Mbit/s with 100 ms of queue': [{ rate: 1250, delay: 25 }, 25_000],
    'all of these': [{ loss: 0.02, reorder: 0.1, jitter: 20, duplicate: 0.05, seed: 9 }, 120_000],
  };

  it.each(Object.entries(LINKS))('arrive intact over %s', (_, [link, milliseconds]) => {
    const pair = new NetstackPair(link);
    const { client, server } = connectPair(pair);
    const start = pair.now;
    client.shutdownAfterSend = true;
    server.shutdownAfterSend = true;
    client.send(THERE);
    server.send(BACK);
    pair.run(HOUR, ended(client, server));
    expect(isEqual(server.bytes, THERE)).toBe(true);
    expect(isEqual(client.bytes, BACK)).toBe(true);
    expect(client.events).toEqual(['established', 'remoteClosed', 'closed:normal']);
    expect(server.events).toEqual(['established', 'remoteClosed', 'closed:normal']);
    // A short transfer spends more of its time at the start.
    expect(pair.now - start).toBeLessThan(milliseconds * atLength({ short: 0.3, long: 1 }));
    pair.run(HOUR);
    for (const stack of [pair.left, pair.right]) {
      expect(stack.usage).toMatchObject({ connections: 0, timeWaits: 0, bufferBytes: 0 });
      expect(stack.nextTimeout()).toBe(Infinity);
    }
  });
});

it('has the same result for the same seed', () => {
  const run = (): unknown => {
    const pair = new NetstackPair({ loss: 0.05, reorder: 0.1, jitter: 5, seed: 4 });
    const { client, server } = connectPair(pair);
    client.send(THERE.subarray(0, 500_000));
    pair.run(HOUR, () => server.receivedLength === 500_000);
    return [pair.now, pair.emitted, client.connection.info()];
  };
  expect(run()).toEqual(run());
});

it('holds data back until the receiver reads: a zero window that opens', () => {
  const pair = new NetstackPair();
  const { client, server } = connectPair(pair);
  server.reads = false;
  client.shutdownAfterSend = true;
  client.send(THERE);
  pair.run(30_000);
  // The window has its initial size, and is advertised in units of 256 bytes.
  expect(server.connection.readableBytes).toBeGreaterThan(64 * 1024 - 256);
  expect(server.connection.readableBytes).toBeLessThanOrEqual(64 * 1024);
  // The send buffer has its largest size, rounded up to full segments.
  const { mss } = client.connection.info();
  expect(pair.left.usage.bufferBytes).toBe(Math.ceil((256 * 1024) / mss) * mss);
  const before = pair.emitted.left;
  pair.run(60_000);
  // Only probes were sent.
  expect(pair.emitted.left - before).toBeLessThan(5);
  server.reads = true;
  server.read();
  pair.run(20_000, () => server.receivedLength === SIZE);
  expect(isEqual(server.bytes, THERE)).toBe(true);
});

it('continues after a peer was silent for 30 s', () => {
  const pair = new NetstackPair();
  const { client, server } = connectPair(pair);
  client.send(THERE);
  pair.run(100);
  pair.drop = () => true;
  pair.run(30_000);
  pair.drop = () => false;
  pair.run(60_000, () => server.receivedLength === SIZE);
  expect(isEqual(server.bytes, THERE)).toBe(true);
  expect(client.events).toEqual(['established']);
});

it.each(['left', 'right'])(
  'half-closes from the %s and continues from the other side (RFC 1122 4.2.2.13)',
  (first) => {
    const pair = new NetstackPair({ loss: 0.02, seed: 3 });
    const { client, server } = connectPair(pair);
    const [closer, other] = first === 'left' ? [client, server] : [server, client];
    closer.shutdownAfterSend = true;
    closer.send(THERE.subarray(0, 100_000));
    pair.run(HOUR, () => other.events.includes('remoteClosed'));
    expect(other.receivedLength).toBe(100_000);
    pair.run(60_000);
    expect(closer.connection.state).toBe('FIN-WAIT-2');
    other.shutdownAfterSend = true;
    other.send(BACK.subarray(0, 300_000));
    pair.run(HOUR, ended(client, server));
    expect(isEqual(closer.bytes, BACK.subarray(0, 300_000))).toBe(true);
  },
);

it('opens simultaneously (RFC 9293 3.5, figure 7) (MUST-10)', () => {
  const pair = new NetstackPair();
  const left = new Endpoint(pair);
  const right = new Endpoint(pair);
  left.connection = pair.left.connectTcp({ address: RIGHT_ADDRESS, port: 700 }, left, pair.now, {
    localPort: 600,
  });
  right.connection = pair.right.connectTcp({ address: LEFT_ADDRESS, port: 600 }, right, pair.now, {
    localPort: 700,
  });
  pair.run(5000);
  expect([left.connection.state, right.connection.state]).toEqual(['ESTABLISHED', 'ESTABLISHED']);
  left.send(THERE.subarray(0, 5000));
  pair.run(5000);
  expect(right.receivedLength).toBe(5000);
});
