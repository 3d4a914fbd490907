import type { Resolution } from '../../../src/ports/resolver.js';
import { ServerAddresses } from '../../../src/tunnel/server/server-addresses.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

function setUp(...answers: (Resolution | Error)[]) {
  const clock = new FakeClock();
  const wall = { offset: 1_767_225_600_000 };
  const log = new RecordingLog();
  const signals: AbortSignal[] = [];
  let asked = 0;
  const resolver = {
    async resolve(_host: string, signal: AbortSignal): Promise<Resolution> {
      signals.push(signal);
      await Promise.resolve();
      const answer = answers[Math.min(asked++, answers.length - 1)]!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const wallClock = { unixMilliseconds: () => wall.offset + clock.now() };
  const server = { host: 'arc.example', port: 11010 };
  const addresses = new ServerAddresses(server, { resolver, clock, wallClock, log });
  return { addresses, clock, wall, log, signals, asked: () => asked };
}

const at = (address: string) => ({ address, port: 11010 });

it('has no address before the first lookup', () => {
  const { addresses } = setUp();
  expect(addresses.count).toBe(0);
  expect(addresses.isFresh()).toBe(false);
  expect(addresses.after(undefined)).toBeUndefined();
});

it('cycles through the addresses, and goes from a foreign one to the first', async () => {
  const { addresses } = setUp({ addresses: ['2001:db8::1', '2001:db8::2', '192.0.2.1'], ttl: 1 });
  await addresses.resolve();
  expect(addresses.count).toBe(3);
  expect(addresses.after(undefined)).toEqual(at('2001:db8::1'));
  expect(addresses.after(at('2001:db8::1'))).toEqual(at('192.0.2.1'));
  expect(addresses.after(at('192.0.2.1'))).toEqual(at('2001:db8::2'));
  expect(addresses.after(at('2001:db8::2'))).toEqual(at('2001:db8::1'));
  expect(addresses.after(at('198.51.100.1'))).toEqual(at('2001:db8::1'));
  expect(addresses.includes(at('192.0.2.1'))).toBe(true);
  expect(addresses.includes({ address: '192.0.2.1', port: 1 })).toBe(false);
});

it('uses at most 16 addresses', async () => {
  const many = Array.from({ length: 40 }, (_, index) => `192.0.2.${index}`);
  const { addresses } = setUp({ addresses: many, ttl: 1 });
  await addresses.resolve();
  expect(addresses.count).toBe(16);
});

it('is valid for the TTL', async () => {
  const { addresses, clock } = setUp({ addresses: ['192.0.2.1'], ttl: 30_000 });
  await addresses.resolve();
  clock.advance(29_999);
  expect(addresses.isFresh()).toBe(true);
  clock.advance(1);
  expect(addresses.isFresh()).toBe(false);
});

it('includes a suspend, in which the monotonic clock stood still', async () => {
  const { addresses, wall } = setUp({ addresses: ['192.0.2.1'], ttl: 30_000 });
  await addresses.resolve();
  wall.offset += 30_000;
  expect(addresses.isFresh()).toBe(false);
});

it('is not extended if the wall clock is set back', async () => {
  const { addresses, clock, wall } = setUp({ addresses: ['192.0.2.1'], ttl: 30_000 });
  await addresses.resolve();
  wall.offset -= 86_400_000;
  clock.advance(30_000);
  expect(addresses.isFresh()).toBe(false);
});

it('never expires an IP literal', async () => {
  const { addresses, clock, wall } = setUp({ addresses: ['192.0.2.1'], ttl: Infinity });
  await addresses.resolve();
  clock.advance(1e12);
  wall.offset += 1e12;
  expect(addresses.isFresh()).toBe(true);
});

it('keeps the addresses when the resolver fails, and logs it once', async () => {
  const { addresses, log } = setUp(
    { addresses: ['192.0.2.1'], ttl: 1 },
    new Error('EAI_AGAIN'),
    new Error('EAI_AGAIN'),
    { addresses: ['192.0.2.2'], ttl: 1 },
    new Error('ENOTFOUND'),
  );
  for (let time = 0; time < 3; time++) await addresses.resolve();
  expect(addresses.after(undefined)).toEqual(at('192.0.2.1'));
  expect(addresses.failure?.message).toBe('EAI_AGAIN');
  expect(log.messages('warn')).toHaveLength(1);
  await addresses.resolve();
  expect(addresses.failure).toBeUndefined();
  expect(addresses.after(undefined)).toEqual(at('192.0.2.2'));
  await addresses.resolve();
  expect(log.lines.map(({ fields }) => fields.reason)).toEqual(['EAI_AGAIN', 'ENOTFOUND']);
});

it('treats an answer without addresses as a failure', async () => {
  const { addresses } = setUp({ addresses: [], ttl: 1 });
  await addresses.resolve();
  expect(addresses.failure?.message).toBe('the name does not have an IP address');
});

it('queries once for concurrent callers', async () => {
  const { addresses, asked } = setUp({ addresses: ['192.0.2.1'], ttl: 1 });
  await Promise.all([addresses.resolve(), addresses.resolve()]);
  expect(asked()).toBe(1);
  await addresses.resolve();
  expect(asked()).toBe(2);
});

describe('when it is closed', () => {
  it('aborts the lookup, and neither logs nor keeps its result', async () => {
    const { addresses, log, signals } = setUp(new Error('EAI_AGAIN'));
    const resolving = addresses.resolve();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    addresses.close();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    await resolving;
    expect(log.lines).toEqual([]);
    expect(addresses.failure).toBeUndefined();
  });

  it('returns no addresses from a lookup that ends later, and does not start another', async () => {
    const { addresses, asked } = setUp({ addresses: ['192.0.2.1'], ttl: 1 });
    const resolving = addresses.resolve();
    addresses.close();
    await resolving;
    await addresses.resolve();
    expect(addresses.count).toBe(0);
    expect(asked()).toBe(1);
  });
});
