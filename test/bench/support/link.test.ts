import { Link, LOST, QUEUE_FULL, seededRandom } from '../../../bench/support/link.js';

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

it('delivers after the transmission time at the bottleneck plus the delay', () => {
  expect(send(link(), 5)).toBeCloseTo(5 + PACKET_BITS / 1e5 + 10, 9);
});

it('carries its rate, and preserves the order', () => {
  const path = link({ queue: Infinity });
  let last = 0;
  for (let count = 0; count < 1000; count++) {
    const arrival = send(path, 0);
    expect(arrival).toBeGreaterThan(last);
    last = arrival;
  }
  expect(last - 10).toBeCloseTo((1000 * PACKET_BITS) / 1e5, 6);
});

it('drops packets if the queue is full, and accepts more when it has room', () => {
  const path = link();
  const arrivals = Array.from({ length: 1000 }, () => send(path, 0));
  // 50 ms at 100 Mbit/s, and the one that is being sent.
  const taken = Math.floor((50 * 1e5) / PACKET_BITS) + 1;
  expect(arrivals.indexOf(QUEUE_FULL)).toBe(taken);
  expect(path).toMatchObject({ passed: taken, dropped: 1000 - taken });
  expect(send(path, 1)).toBeGreaterThan(0);
});

it('is idle again after a pause', () => {
  const path = link();
  send(path, 0);
  expect(send(path, 1000)).toBeCloseTo(1000 + PACKET_BITS / 1e5 + 10, 9);
  expect(path.queueDelay).toBe(0);
});

it('is unlimited at rate 0', () => {
  const path = link({ rate: 0, queue: 0 });
  for (let count = 0; count < 10; count++) expect(send(path, 7)).toBe(17);
});

it('loses the requested share of the packets that pass the bottleneck', () => {
  const path = link({ loss: 0.01, queue: Infinity });
  const arrivals = Array.from({ length: 20_000 }, () => send(path, 0));
  expect(arrivals.filter((arrival) => arrival === LOST).length).toBe(path.lost);
  expect(path.lost / 20_000).toBeCloseTo(0.01, 2);
  expect(Math.max(...arrivals) - 10).toBeCloseTo((20_000 * PACKET_BITS) / 1e5, -1);
});

it('reorders the requested share, by 1 to 4 ms', () => {
  const path = link({ reorder: 0.01, rate: 0 });
  const extras = Array.from({ length: 20_000 }, () => send(path, 0) - 10);
  const late = extras.filter((extra) => extra > 0);
  expect(late.length).toBe(path.reordered);
  expect(late.length / 20_000).toBeCloseTo(0.01, 2);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(1);
  expect(Math.max(...late)).toBeLessThan(4);
  expect(Math.max(...late) - Math.min(...late)).toBeGreaterThan(2.5);
});

it('behaves the same for the same seed, and loses the same packets with reordering', () => {
  const outcome = (seed: number, reorder: number) => {
    const path = link({ loss: 0.1, reorder, rate: 0, random: seededRandom(seed) });
    return Array.from({ length: 1000 }, () => send(path, 0) === LOST);
  };
  expect(outcome(1, 0)).toEqual(outcome(1, 0.5));
  expect(outcome(1, 0)).not.toEqual(outcome(2, 0));
});
