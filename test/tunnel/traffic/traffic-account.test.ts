import { TrafficAccount } from '../../../src/tunnel/traffic/traffic-account.js';
import type { TrafficBudget } from '../../../src/tunnel/traffic/traffic-budget.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { MemoryTrafficStore } from '../../support/fakes/memory-traffic-store.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 29, 23, 58, 30);

let clock: FakeClock;
let log: RecordingLog;
let store: MemoryTrafficStore;
let unix: number;
/** The first random byte; the others are 0. With 0xff, the interval is almost a minute. */
let random: number;
beforeEach(() => {
  random = 0xff;
  clock = new FakeClock();
  log = new RecordingLog();
  store = new MemoryTrafficStore();
  unix = START;
});

function open(name = 'sim1', budget?: TrafficBudget) {
  const total = { sentBytes: 0, receivedBytes: 0 };
  const wallClock = { unixMilliseconds: () => unix };
  const entropy = {
    fill: (bytes: Uint8Array) => {
      bytes.fill(0);
      bytes[0] = random;
    },
  };
  const options = { name, store, total: () => total, clock, wallClock, entropy, log, budget };
  const account = new TrafficAccount(options);
  const send = (sent: number, received = 0) => {
    total.sentBytes += sent;
    total.receivedBytes += received;
  };
  return { account, send };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

async function pass(milliseconds: number): Promise<void> {
  unix += milliseconds;
  clock.advance(milliseconds);
  await settle();
}

it('stores traffic about once a minute, and at the end', async () => {
  const { account, send } = open();
  send(100, 50);
  await pass(45_000);
  expect(store.writes).toBe(0);
  await pass(MINUTE - 45_000);
  expect(store.files.get('sim1')).toEqual({ '2026-11-29': { sentBytes: 100, receivedBytes: 50 } });
  await pass(MINUTE);
  expect(store.writes).toBe(1);
  send(1);
  await account.close();
  expect(store.writes).toBe(2);
  expect(clock.armed).toBe(0);
});

it('spreads the writes of tunnels that were opened together', async () => {
  const tunnels = [0, 0x55, 0xaa].map((byte) => {
    random = byte;
    return open(`sim${byte}`);
  });
  for (const { send } of tunnels) send(1);
  await pass(45_000 - 1);
  expect(store.writes).toBe(0);
  // The next interval is random again.
  random = 0x80;
  await pass(1);
  expect([...store.files.keys()]).toEqual(['sim0']);
  await pass(5_000);
  expect([...store.files.keys()]).toEqual(['sim0', 'sim85']);
  await pass(5_000);
  expect(store.writes).toBe(3);
  tunnels[0]!.send(1);
  await pass(42_500 - 1);
  expect(store.writes).toBe(3);
  await pass(1);
  expect(store.writes).toBe(4);
  for (const { account } of tunnels) await account.close();
});

it('adds this tunnel to what is stored, and shows the sum before it is stored', async () => {
  store.files.set('sim1', {
    '2026-10-31': { sentBytes: 9, receivedBytes: 9 },
    '2026-11-01': { sentBytes: 1_000, receivedBytes: 2_000 },
    '2026-11-29': { sentBytes: 10, receivedBytes: 20 },
  });
  const { account, send } = open();
  await settle();
  send(100, 200);
  expect(account.status()).toEqual({
    today: { period: '2026-11-29', sentBytes: 110, receivedBytes: 220 },
    month: { period: '2026-11', sentBytes: 1_110, receivedBytes: 2_220 },
  });
  await account.close();
  expect(account.status().month).toMatchObject({ sentBytes: 1_110, receivedBytes: 2_220 });
});

it('shows the same sum while it is being stored', async () => {
  const { account, send } = open();
  await settle();
  let release = () => {};
  store.gate = new Promise((resolve) => (release = resolve));
  send(100);
  const closed = account.close();
  await settle();
  expect(account.status().today.sentBytes).toBe(100);
  release();
  await closed;
  expect(account.status().today.sentBytes).toBe(100);
});

it('begins a new day and month in UTC', async () => {
  const { account, send } = open();
  unix = Date.UTC(2026, 10, 30, 23, 59, 59);
  send(100);
  account.status();
  await pass(1_000);
  send(7);
  expect(account.status()).toMatchObject({
    today: { period: '2026-12-01', sentBytes: 7 },
    month: { period: '2026-12', sentBytes: 7 },
  });
  await account.close();
  expect(store.files.get('sim1')).toMatchObject({
    '2026-11-30': { sentBytes: 100 },
    '2026-12-01': { sentBytes: 7 },
  });
});

it('loses nothing if the clock is set back', async () => {
  const { account, send } = open();
  send(100);
  await pass(MINUTE);
  unix -= 3 * 24 * 3_600_000;
  send(10);
  await account.close();
  expect(account.status()).toMatchObject({ today: { sentBytes: 10 }, month: { sentBytes: 110 } });
});

it('logs once that nothing can be stored, and stores everything later', async () => {
  store.failure = new Error('the file system is read-only');
  const { account, send } = open();
  send(100);
  await pass(MINUTE);
  await pass(MINUTE);
  expect(log.lines).toMatchObject([
    {
      level: 'info',
      fields: { reason: 'the file system is read-only' },
      message: expect.stringContaining('cannot store traffic') as string,
    },
  ]);
  expect(account.status().month.sentBytes).toBe(100);
  store.failure = undefined;
  await account.close();
  expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { sentBytes: 100 } });
});

it('assigns further traffic to another SIM', async () => {
  store.files.set('sim2', { '2026-11-29': { sentBytes: 5, receivedBytes: 0 } });
  const { account, send } = open();
  send(100);
  account.follow('sim1');
  account.follow('sim2');
  await settle();
  send(10);
  expect(account.status().today.sentBytes).toBe(15);
  await account.close();
  expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { sentBytes: 100 } });
  expect(store.files.get('sim2')).toMatchObject({ '2026-11-29': { sentBytes: 15 } });
});

it('does not assign traffic that could not be stored to another SIM', async () => {
  const { account, send } = open();
  send(100);
  store.failure = new Error('read-only');
  account.follow('sim2');
  await settle();
  store.failure = undefined;
  send(10);
  await account.close();
  expect(store.files.get('sim2')).toEqual({ '2026-11-29': { sentBytes: 10, receivedBytes: 0 } });
});

describe('with a budget', () => {
  const BUDGET = { day: 1_000, month: 5_000 };

  it('adds up both directions of all processes, today and this month', async () => {
    store.files.set('sim1', {
      '2026-10-31': { sentBytes: 9, receivedBytes: 9 },
      '2026-11-01': { sentBytes: 100, receivedBytes: 200 },
      '2026-11-29': { sentBytes: 10, receivedBytes: 20 },
    });
    const { account, send } = open('sim1', BUDGET);
    await account.saved;
    send(5, 2);
    expect(account.uses()).toEqual([
      {
        ...{ per: 'day', period: '2026-11-29', bytes: 1_000, usedBytes: 37 },
        endsUnix: Date.UTC(2026, 10, 30),
      },
      {
        ...{ per: 'month', period: '2026-11', bytes: 5_000, usedBytes: 337 },
        endsUnix: Date.UTC(2026, 11, 1),
      },
    ]);
    await account.close();
  });

  it('counts on the last stored day while the clock may not be set yet', async () => {
    store.files.set('sim1', { '2026-11-29': { sentBytes: 900, receivedBytes: 0 } });
    unix = Date.UTC(1970, 0, 1, 0, 1);
    const { account, send } = open('sim1', { day: 1_000 });
    await account.saved;
    send(50);
    const use = { period: '2026-11-29', usedBytes: 950, endsUnix: unix + 15 * MINUTE };
    expect(account.uses()).toMatchObject([use]);
    expect(account.status().today).toMatchObject({ period: '2026-11-29', sentBytes: 950 });
    unix = START;
    expect(account.uses()).toMatchObject([{ ...use, endsUnix: Date.UTC(2026, 10, 30) }]);
    await account.close();
    expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { sentBytes: 950 } });
  });

  it('trusts the clock after 15 minutes', async () => {
    store.files.set('sim1', { '2026-12-20': { sentBytes: 1_000, receivedBytes: 0 } });
    const { account } = open('sim1', { day: 1_000 });
    await account.saved;
    expect(account.uses()).toMatchObject([{ period: '2026-12-20', usedBytes: 1_000 }]);
    clock.skip(15 * MINUTE - 1);
    expect(account.uses()).toMatchObject([{ period: '2026-12-20' }]);
    clock.skip(1);
    expect(account.uses()).toMatchObject([{ period: '2026-11-29', usedBytes: 0 }]);
    await account.close();
  });

  it('is not locked by a day that was stored with a clock far in the future', async () => {
    unix = Date.UTC(2036, 4, 1);
    const wrong = open('sim1', { day: 1_000 });
    await wrong.account.saved;
    wrong.send(1_000);
    await wrong.account.close();
    expect(Object.keys(store.files.get('sim1')!)).toEqual(['2036-05-01']);
    unix = START;
    const { account, send } = open('sim1', { day: 1_000 });
    await account.saved;
    send(5);
    expect(account.uses()).toMatchObject([{ period: '2026-11-29', usedBytes: 5 }]);
    await account.close();
  });

  it('warns that the budget is for this process if nothing can be stored', async () => {
    store.failure = new Error('the file system is read-only');
    const { account, send } = open('sim1', BUDGET);
    send(100);
    await pass(MINUTE);
    expect(log.lines).toMatchObject([
      { level: 'warn', message: expect.stringContaining('only the traffic of this') as string },
    ]);
    expect(account.uses()).toMatchObject([{ usedBytes: 100 }, { usedBytes: 100 }]);
  });

  it('reports each update, and stores at once if asked', async () => {
    const { account, send } = open('sim1', BUDGET);
    let updates = 0;
    account.onUpdate(() => updates++);
    send(100);
    account.store();
    await account.saved;
    expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { sentBytes: 100 } });
    await pass(MINUTE);
    expect(updates).toBe(1);
    account.follow('sim2');
    await settle();
    expect(updates).toBe(2);
    expect(account.uses()).toMatchObject([{ usedBytes: 0 }, { usedBytes: 0 }]);
    await account.close();
  });
});

it('assigns traffic to the day of the clock without a budget', async () => {
  store.files.set('sim1', { '2038-01-19': { sentBytes: 1, receivedBytes: 0 } });
  const { account, send } = open();
  await account.saved;
  send(7);
  expect(account.status().today).toMatchObject({ period: '2026-11-29', sentBytes: 7 });
  expect(account.uses()).toEqual([]);
  await account.close();
});
