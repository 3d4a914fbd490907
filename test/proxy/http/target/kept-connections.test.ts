import { jest } from '@jest/globals';

import { KeptConnections, MAX_IDLE } from '../../../../src/proxy/http/target/kept-connections.js';
import { Upstream } from '../../../../src/proxy/http/target/upstream.js';
import { KeepableSide } from '../../support/keepable.js';

const TARGET = { host: '100.127.69.42', port: 80 };
const SIZE = 100;

let kept: KeptConnections;
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  kept = new KeptConnections({ resends: true });
});
afterEach(() => void jest.useRealTimers());

function keep(announced?: number, target = TARGET): { side: KeepableSide; upstream: Upstream } {
  const side = new KeepableSide();
  const upstream = new Upstream(side);
  kept.keep(target, upstream, announced);
  return { side, upstream };
}

/** Whether the connection is closed after `ms`, and not one millisecond earlier. */
function closesAfter(side: KeepableSide, ms: number): boolean {
  jest.advanceTimersByTime(ms - 1);
  const isEarly = side.writableEnded;
  jest.advanceTimersByTime(1);
  return !isEarly && side.writableEnded;
}

it('gives the connection to its target that was used last, once', () => {
  const first = keep();
  const second = keep();
  expect(kept.take({ host: TARGET.host, port: 81 }, SIZE)).toBeUndefined();
  expect(kept.take({ host: '100.127.69.43', port: 80 }, SIZE)).toBeUndefined();
  expect(kept.take(TARGET, SIZE)).toBe(second.upstream);
  expect(kept.take(TARGET, SIZE)).toBe(first.upstream);
  expect(kept.take(TARGET, SIZE)).toBeUndefined();
});

it.each<[number | undefined, number]>([
  [undefined, 4_000],
  [5_000, 4_000],
  [2_000, 1_000],
  [1_000, 500],
  [30_000, 29_000],
  [600_000, 60_000],
])('closes an idle connection in time: announced %s ms, closed after %i ms', (announced, ms) => {
  const { side } = keep(announced);
  expect(closesAfter(side, ms)).toBe(true);
  expect(kept.size).toBe(0);
});

it('closes a connection at once if the target announces no time', () => {
  expect(keep(0).side.writableEnded).toBe(true);
});

it('closes a connection in time although an earlier one may stay idle for longer', () => {
  const long = keep(30_000).side;
  const short = keep(2_000).side;
  expect(jest.getTimerCount()).toBe(1);
  expect(closesAfter(short, 1_000)).toBe(true);
  expect(closesAfter(long, 28_000)).toBe(true);
});

it('does not use a connection after the machine has slept', () => {
  const { side } = keep();
  jest.setSystemTime(Date.now() + 4_000);
  expect(kept.take(TARGET, SIZE)).toBeUndefined();
  expect(side.writableEnded).toBe(true);
});

it('closes an idle connection in time although the wall clock is set back', () => {
  const { side } = keep();
  jest.setSystemTime(Date.now() - 60_000);
  expect(closesAfter(side, 4_000)).toBe(true);
});

it('does not use a connection after five minutes', () => {
  const { upstream, side } = keep();
  for (let second = 1; second < 300; second++) {
    jest.advanceTimersByTime(1_000);
    expect(kept.take(TARGET, SIZE)).toBe(upstream);
    kept.keep(TARGET, upstream, undefined);
  }
  expect(closesAfter(side, 1_000)).toBe(true);
});

it('closes a connection that is not quiet, and gives the next one', () => {
  const older = keep();
  const newer = keep();
  newer.side.isQuiet = false;
  expect(kept.take(TARGET, SIZE)).toBe(older.upstream);
  expect(newer.side.writableEnded).toBe(true);
});

it('keeps a connection whose segments are too small for a request', () => {
  const { side } = keep();
  expect(kept.take(TARGET, side.segmentSize + 1)).toBeUndefined();
  expect(kept.take(TARGET, side.segmentSize)).toBeDefined();
});

it('closes the oldest connection if there are too many', () => {
  const sides = Array.from({ length: MAX_IDLE + 1 }, () => keep().side);
  expect(sides.map(({ writableEnded }) => writableEnded).indexOf(false)).toBe(1);
  expect(kept.size).toBe(MAX_IDLE);
});

it.each<[string, (side: KeepableSide) => void]>([
  ['ends', (side) => void side.push(null)],
  ['is reset', (side) => void side.destroy(new Error('ECONNRESET'))],
  ['receives bytes', (side) => side.respond('x')],
])('drops a connection that %s', async (_, happens) => {
  const { side } = keep();
  happens(side);
  await new Promise(setImmediate);
  expect(kept.size).toBe(0);
  expect(side.writableEnded || side.destroyed).toBe(true);
});

describe('a target that closes idle connections without announcing it', () => {
  const OTHER = { host: TARGET.host, port: 81 };
  const reset = () => Object.assign(new Error('reset'), { code: 'ECONNRESET' });

  /** A connection to the target is idle for `ms`; then something happens to it. */
  async function afterIdle(ms: number, happens: (side: KeepableSide) => void): Promise<void> {
    const { side } = keep();
    jest.advanceTimersByTime(ms);
    happens(side);
    await new Promise(setImmediate);
  }

  it.each<[string, number, number, (side: KeepableSide) => void]>([
    ['ends', 1_000, 500, (side) => void side.push(null)],
    ['ends', 3_000, 2_000, (side) => void side.push(null)],
    ['is reset', 1_000, 500, (side) => void side.destroy(reset())],
    ['receives bytes', 1_000, 500, (side) => side.respond('HTTP/1.1 408 Request Timeout')],
    ['ends soon, as in a restart', 199, 4_000, (side) => void side.push(null)],
    ['fails with the tunnel', 1_000, 4_000, (side) => void side.destroy(new Error('down'))],
  ])(
    'if a connection %s after %i ms, closes the next after %i ms',
    async (_, idle, ms, happens) => {
      await afterIdle(idle, happens);
      expect(closesAfter(keep(undefined, OTHER).side, 4_000)).toBe(true);
      expect(closesAfter(keep().side, ms)).toBe(true);
    },
  );

  it('uses the shorter of the learned and the announced time', async () => {
    await afterIdle(1_000, (side) => void side.push(null));
    expect(closesAfter(keep(30_000).side, 500)).toBe(true);
    expect(closesAfter(keep(600).side, 300)).toBe(true);
  });

  it.each<[string, number, (side: KeepableSide) => void]>([
    ['closed by the target', 400, (side) => void side.push(null)],
    ['reset by the target', 400, (side) => void side.destroy(reset())],
    ['lost with the tunnel', 4_000, (side) => void side.destroy(new Error('down'))],
  ])('learns the idle time before a request that was lost: %s', async (_, ms, happens) => {
    const { side } = keep();
    jest.advanceTimersByTime(800);
    const upstream = kept.take(TARGET, SIZE)!;
    happens(side);
    await new Promise(setImmediate);
    kept.lost(TARGET, upstream);
    expect(closesAfter(keep().side, ms)).toBe(true);
  });

  it('learns nothing from a connection without a request, or a new one', async () => {
    const side = new KeepableSide();
    kept.add(TARGET, new Upstream(side));
    jest.advanceTimersByTime(800);
    const upstream = kept.take(TARGET, SIZE)!;
    side.push(null);
    await new Promise(setImmediate);
    kept.lost(TARGET, upstream);
    const unused = new KeepableSide();
    kept.add(TARGET, new Upstream(unused));
    jest.advanceTimersByTime(800);
    unused.push(null);
    await new Promise(setImmediate);
    expect(closesAfter(keep().side, 4_000)).toBe(true);
  });
});

it('closes a connection that cannot prove what was read', () => {
  const side = new KeepableSide();
  side.segmentSize = 0;
  kept.keep(TARGET, new Upstream(side), undefined);
  expect(side.writableEnded).toBe(true);
});

it('does not use a connection after the wall clock was set back', () => {
  const { side } = keep();
  jest.setSystemTime(Date.now() - 1);
  expect(kept.take(TARGET, SIZE)).toBeUndefined();
  expect(side.writableEnded).toBe(true);
});

describe('in a process that can be frozen', () => {
  let expectsMore = true;
  let calls: string[];
  beforeEach(() => {
    expectsMore = true;
    calls = [];
    kept = new KeptConnections({
      resends: true,
      freezing: {
        afterInput: () => Promise.resolve(),
        expectsMore: () => expectsMore,
        onIdle: () => void calls.push('idle'),
        onTaken: () => void calls.push('taken'),
      },
    });
  });

  it('acknowledges the response, and measures the idle time with the clock that advanced further', () => {
    const { side } = keep();
    expect([side.idle, calls]).toEqual([1, ['idle']]);
    jest.advanceTimersByTime(100);
    jest.setSystemTime(Date.now() + 2_000);
    expect(kept.take(TARGET, SIZE)).toBeDefined();
    expect([side.idleTimes, calls]).toEqual([[2_100], ['idle', 'taken']]);
  });

  it('waits for the datagrams of a freeze only if a connection is idle', () => {
    expect(kept.ready()).toBeUndefined();
    keep();
    expect(kept.ready()).toBeInstanceOf(Promise);
  });

  it.each([
    [4_000, false],
    [179_999, false],
    [180_000, true],
  ])('resets or abandons a connection after %i ms: abandons it: %s', (ms, isAbandoned) => {
    const { side } = keep();
    jest.setSystemTime(Date.now() + ms);
    expect(kept.has(TARGET)).toBe(false);
    expect([side.destroyed, side.isAbandoned]).toEqual([true, isAbandoned]);
  });

  it('closes a connection if no other message is expected', () => {
    expectsMore = false;
    expect(keep().side.writableEnded).toBe(true);
    expect(calls).toEqual([]);
  });

  it('gives an unused connection to a request of any size', () => {
    const used = keep();
    expect(kept.takeUnused(TARGET)).toBeUndefined();
    const unused = new Upstream(new KeepableSide());
    kept.add(TARGET, unused);
    expect(kept.takeUnused(TARGET)).toBe(unused);
    expect(kept.take(TARGET, SIZE)).toBe(used.upstream);
  });
});
