import { jest } from '@jest/globals';

import { Relay, RELAY_LIMITS, watchUnread } from '../../../src/proxy/relay/relay.js';
import { Side } from '../support/side.js';

const HOUR = 60 * 60_000;
const { idleTimeout: IDLE, halfClosedTimeout: HALF } = RELAY_LIMITS;

let client: Side;
let target: Side;
let overCount: number;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  client = new Side();
  target = new Side();
  overCount = 0;
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function join(): Relay {
  return new Relay(client, target, () => overCount++);
}

/** Runs all pending work that does not wait for a timer. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function pass(duration: number): Promise<void> {
  await settle();
  jest.advanceTimersByTime(duration);
  await settle();
}

function fates(): string[] {
  return [client.fate, target.fate];
}

/** Ends a relay that a test leaves open. */
async function finish(relay: Relay): Promise<void> {
  relay.abort();
  await settle();
  expect(fates()).toEqual(['reset', 'reset']);
  expect(overCount).toBe(1);
}

it('relays queued and new bytes in both directions', async () => {
  client.push('early');
  const relay = join();
  target.push('hello');
  await settle();
  client.push(' later');
  await settle();
  expect([target.taken, client.taken]).toEqual(['early later', 'hello']);
  await finish(relay);
});

describe('an orderly end', () => {
  it.each([
    ['the client, then the target', () => [client, target]],
    ['the target, then the client', () => [target, client]],
  ])('of %s is passed on, and the other direction continues', async (_name, order) => {
    join();
    const [first, second] = order() as [Side, Side];
    first.push('the last');
    first.push(null);
    await settle();
    expect(second.taken).toBe('the last');
    expect([second.hasEnded, first.hasEnded]).toEqual([true, false]);
    expect(fates()).toEqual(['open', 'open']);
    second.push('and more');
    await settle();
    second.push(null);
    await settle();
    expect(first.taken).toBe('and more');
    expect(fates()).toEqual(['in order', 'in order']);
    expect(overCount).toBe(1);
  });

  it('of both at once ends both', async () => {
    join();
    client.push('a');
    client.push(null);
    target.push('b');
    target.push(null);
    await settle();
    expect([client.taken, target.taken, ...fates()]).toEqual(['b', 'a', 'in order', 'in order']);
    expect(overCount).toBe(1);
  });

  it('before the relay started is passed on', async () => {
    client.push(null);
    join();
    await settle();
    expect(target.hasEnded).toBe(true);
    target.push(null);
    await settle();
    expect(fates()).toEqual(['in order', 'in order']);
  });

  it('that was read before the relay started is passed on', async () => {
    client.push(null);
    client.resume();
    await settle();
    expect(client.readableEnded).toBe(true);
    join();
    await settle();
    expect(target.hasEnded).toBe(true);
    target.push(null);
    await settle();
    expect(fates()).toEqual(['in order', 'in order']);
  });

  it('waits for the bytes before it', async () => {
    const relay = join();
    target.isFull = true;
    client.push('all of it');
    client.push(null);
    await settle();
    expect(target.hasEnded).toBe(false);
    target.drain();
    await settle();
    expect([target.taken, target.hasEnded]).toEqual(['all of it', true]);
    await finish(relay);
  });
});

it('closes one side in an orderly way while the other one still reads the rest', async () => {
  join();
  target.push(null);
  await settle();
  target.isFull = true;
  client.push('last');
  client.push(null);
  await settle();
  expect(fates()).toEqual(['in order', 'open']);
  target.drain();
  await settle();
  expect([target.taken, target.fate]).toEqual(['last', 'in order']);
  expect(overCount).toBe(1);
});

it('resets the side that ended if the other one closes abruptly', async () => {
  join();
  target.push(null);
  await settle();
  client.destroy();
  await settle();
  expect(fates()).toEqual(['in order', 'reset']);
  expect(overCount).toBe(1);
});

describe('any other end', () => {
  const ways = [
    ['an error', (side: Side) => void side.destroy(new Error('reset'))],
    ['a close', (side: Side) => void side.destroy()],
    [
      'an error after its end',
      (side: Side) => {
        side.push(null);
        setImmediate(() => side.destroy(new Error('reset')));
      },
    ],
    [
      'a close after its end, with the other end not sent',
      (side: Side) => {
        side.push(null);
        setImmediate(() => side.destroy());
      },
    ],
  ] as const;
  const sides = [
    ['client', () => [client, target] as const],
    ['target', () => [target, client] as const],
  ] as const;

  it.each(
    sides.flatMap(([name, order]) => ways.map(([way, end]) => [way, name, order, end] as const)),
  )('by %s of the %s resets the other', async (_way, _name, order, end) => {
    join();
    const [lost, other] = order();
    lost.push('part');
    await settle();
    end(lost);
    await settle();
    expect(other.fate).toBe('reset');
    expect(overCount).toBe(1);
  });

  it.each(sides)('of the %s before the relay started resets the other', async (_name, order) => {
    const [lost, other] = order();
    lost.destroy();
    await settle();
    join();
    await settle();
    expect(other.fate).toBe('reset');
    expect(overCount).toBe(1);
  });

  it('of both before the relay started is reported once', async () => {
    client.destroy();
    target.destroy();
    await settle();
    join();
    await settle();
    expect(overCount).toBe(1);
  });
});

it.each(['client', 'target'])('reads the %s no faster than the other side does', async (name) => {
  const relay = join();
  const [fast, slow] = name === 'client' ? [client, target] : [target, client];
  slow.isFull = true;
  let pushed = 0;
  // push() returns whether there is room; a source that respects it is slowed down.
  for (let turn = 0; turn < 100; turn++) {
    if (fast.readableLength < fast.readableHighWaterMark) {
      fast.push('1234');
      pushed += 4;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(pushed).toBeLessThanOrEqual(32);
  slow.push('the other way is free');
  await settle();
  expect(fast.taken).toBe('the other way is free');
  slow.drain();
  await settle();
  expect(slow.taken).toHaveLength(pushed);
  await finish(relay);
});

describe('an idle relay', () => {
  it('is reset after the time for which a NAT must keep a connection', async () => {
    expect(RELAY_LIMITS).toEqual({ idleTimeout: 2 * HOUR + 240_000, halfClosedTimeout: HOUR / 4 });
    join();
    await pass(RELAY_LIMITS.idleTimeout - 1);
    expect(fates()).toEqual(['open', 'open']);
    await pass(1);
    expect(fates()).toEqual(['reset', 'reset']);
    expect(overCount).toBe(1);
  });

  it.each(['client', 'target'])('restarts its timeout with each byte of the %s', async (name) => {
    join();
    for (let byte = 0; byte < 5; byte++) {
      await pass(IDLE - 1);
      (name === 'client' ? client : target).push('x');
    }
    await pass(IDLE - 1);
    expect(fates()).toEqual(['open', 'open']);
    await pass(1);
    expect(fates()).toEqual(['reset', 'reset']);
  });

  it.each(['client', 'target'])('has a shorter timeout after the %s has ended', async (name) => {
    join();
    const [ended, other] = name === 'client' ? [client, target] : [target, client];
    await pass(IDLE / 2);
    ended.push(null);
    await pass(HALF - 1);
    other.push('x');
    await pass(HALF - 1);
    expect(fates()).toEqual(['open', 'open']);
    await pass(1);
    expect(fates()).toEqual(['reset', 'reset']);
  });

  it('is reset if both have ended and one reads nothing', async () => {
    join();
    client.isFull = true;
    target.push('never taken');
    target.push(null);
    client.push(null);
    await pass(HALF);
    expect(fates()).toEqual(['reset', expect.stringMatching(/reset|in order/)]);
    expect(overCount).toBe(1);
  });
});

describe('watchUnread', () => {
  it('detects that a stream fails before it is read, without consuming data', async () => {
    const end = watchUnread(client);
    client.push('waits');
    await settle();
    end();
    const relay = join();
    await settle();
    expect(target.taken).toBe('waits');
    await finish(relay);
  });

  it('removes its listeners', () => {
    watchUnread(client)();
    expect(client.listenerCount('readable')).toBe(0);
  });
});
