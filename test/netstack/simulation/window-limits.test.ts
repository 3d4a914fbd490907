/**
 * Problems of other userspace TCPs: a window that limits the rate on a long path, silly windows,
 * windows that are scaled where they must not be, and work while idle.
 */
import { DEFAULT_LIMITS } from '../../../src/netstack/limits.js';
import { ipv4HeaderLength } from '../../../src/wire/ipv4.js';
import { tcpAcknowledgment, tcpHeaderLength, tcpWindow } from '../../../src/wire/tcp.js';
import { connectPair, NetstackPair } from '../../support/pairs/netstack-pair.js';
import { atLength } from '../../support/runner/tier.js';

const HOUR = 3600 * 1000;
/** The default, 8 MiB; a short run uses less. */
const BUFFER = atLength({ short: 1024 * 1024, long: DEFAULT_LIMITS.receiveBuffer });
const CHUNK = new Uint8Array(256 * 1024);

function textLength(packet: Uint8Array): number {
  const header = ipv4HeaderLength(packet, 0);
  return packet.length - header - tcpHeaderLength(packet, header);
}

/** The right edge of the unscaled window. */
function rightEdge(packet: Uint8Array): number {
  const header = ipv4HeaderLength(packet, 0);
  return (tcpAcknowledgment(packet, header) >>> 0) + tcpWindow(packet, header);
}

/** Mbit/s of an endless stream whose reader reads at once, after its start. */
function goodput(congestion: 'bbr' | 'cubic', roundTrip: number): number {
  const tenGigabits = 10e9 / 8 / 1000;
  const limits = { receiveBuffer: BUFFER };
  const pair = new NetstackPair({ congestion, rate: tenGigabits, delay: roundTrip / 2, limits });
  const { client, server } = connectPair(pair);
  let received = 0;
  client.writable = () => {
    while (client.connection.send(CHUNK) > 0);
  };
  server.readable = () => {
    for (;;) {
      const bytes = server.connection.receive(CHUNK.length, pair.now);
      if (bytes === undefined) return;
      received += bytes.length;
    }
  };
  client.writable();
  pair.run(12 * roundTrip);
  received = 0;
  pair.run(4 * roundTrip);
  return (received * 8) / 1000 / (4 * roundTrip);
}

// At a round trip of 50 ms the window of lwIP in tcpip.js (5,840 bytes) limits the rate to 0.93
// Mbit/s, that of smoltcp in onetun (65,535) to 10.5, and that of gVisor in wireguard-go (4 MiB) to
// 670. This stack has 8 MiB.
it.each(['bbr', 'cubic'] as const)(
  'delivers almost a full buffer per round trip on a long fast path, with %s',
  (congestion) => {
    const bound = (BUFFER * 8) / 1000 / 50;
    expect(goodput(congestion, 50)).toBeGreaterThan(0.95 * bound);
  },
  120_000,
);

it('needs no timer and no packet for an idle connection', () => {
  const pair = new NetstackPair();
  const { client, server } = connectPair(pair);
  client.send(CHUNK);
  server.send(CHUNK);
  pair.run(10_000);
  expect([client.receivedLength, server.receivedLength]).toEqual([CHUNK.length, CHUNK.length]);
  const { left, right } = { ...pair.emitted };
  pair.run(HOUR);
  expect(pair.emitted).toEqual({ left, right });
  expect([pair.left.nextTimeout(), pair.right.nextTimeout()]).toEqual([Infinity, Infinity]);
  client.send(CHUNK);
  pair.run(10_000);
  expect(server.receivedLength).toBe(2 * CHUNK.length);
});

it('avoids silly segments and silly window updates if little is read at a time (MUST-38, MUST-39)', () => {
  const pair = new NetstackPair({ limits: { receiveBuffer: 20_000 } });
  const { client, server } = connectPair(pair);
  server.reads = false;
  const lengths: number[] = [];
  const steps: number[] = [];
  let edge = 0;
  pair.drop = (packet, from) => {
    if (from === 'left' && textLength(packet) > 0) lengths.push(textLength(packet));
    if (from === 'right') {
      const moved = rightEdge(packet) - edge;
      if (moved > 0 && edge > 0) steps.push(moved);
      edge += moved;
    }
    return false;
  };
  client.send(CHUNK);
  let read = 0;
  while (read < CHUNK.length) {
    pair.run(5);
    read += server.connection.receive(100, pair.now)?.length ?? 0;
  }
  const { mss } = client.connection.info();
  // Except the last segment, and those that the persist timer may send if the window stays small.
  const small = lengths.slice(0, -1).filter((length) => length < mss);
  expect(lengths.length).toBeGreaterThan(CHUNK.length / mss);
  expect(small.length).toBeLessThanOrEqual(2);
  expect(Math.min(...steps)).toBeGreaterThanOrEqual(mss);
});
