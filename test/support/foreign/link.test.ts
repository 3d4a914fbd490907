import { Link, LOST, QUEUE_FULL, seededRandom } from './link.js';

/** A full datagram of a tunnel with an MTU of 1420: 1480 bytes as an IP packet. */
const DATAGRAM = 1452;
const PACKET_BITS = 1480 * 8;

function link(options: Partial<ConstructorParameters<typeof Link>[0]> = {}) {
  return new Link({
    ...{ rate: 100, delay: 10, queue: 50, loss: 0, reorder: 0, random: seededRandom(1) },
    ...options,
  });
}

function send(path: Link, now: number): number {
  return path.send(DATAGRAM, now) as number;
}

it('carries its rate after the delay, and drops packets if the queue is full', () => {
  const path = link();
  expect(send(path, 0)).toBeCloseTo(PACKET_BITS / 1e5 + 10, 9);
  const arrivals = Array.from({ length: 999 }, () => send(path, 0));
  // 50 ms at 100 Mbit/s, and the one that is being sent.
  const taken = Math.floor((50 * 1e5) / PACKET_BITS) + 1;
  expect(arrivals.indexOf(QUEUE_FULL)).toBe(taken - 1);
  expect(path).toMatchObject({ passed: taken, dropped: 1000 - taken });
  expect(send(path, 1000)).toBeCloseTo(1000 + PACKET_BITS / 1e5 + 10, 9);
});

it('loses and reorders the requested shares of the packets, by 1 to 4 ms', () => {
  const path = link({ loss: 0.01, reorder: 0.01, rate: 0 });
  const arrivals = Array.from({ length: 20_000 }, () => send(path, 0));
  const extras = arrivals.filter((arrival) => arrival !== LOST).map((arrival) => arrival - 10);
  const late = extras.filter((extra) => extra > 0);
  expect([path.lost, path.reordered]).toEqual([20_000 - extras.length, late.length]);
  expect(path.lost / 20_000).toBeCloseTo(0.01, 2);
  expect(late.length / 20_000).toBeCloseTo(0.01, 2);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(1);
  expect(Math.max(...late)).toBeLessThan(4);
});

it('loses the same packets for the same seed, also with reordering', () => {
  const outcome = (seed: number, reorder: number) => {
    const path = link({ loss: 0.1, reorder, rate: 0, random: seededRandom(seed) });
    return Array.from({ length: 1000 }, () => send(path, 0) === LOST);
  };
  expect(outcome(1, 0)).toEqual(outcome(1, 0.5));
  expect(outcome(1, 0)).not.toEqual(outcome(2, 0));
});
