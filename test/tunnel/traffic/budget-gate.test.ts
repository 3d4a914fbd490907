import { DialError } from '../../../src/proxy/dialer.js';
import { TunnelError } from '../../../src/tunnel/tunnel-error.js';
import { BudgetGate } from '../../../src/tunnel/traffic/budget-gate.js';
import { TrafficAccount } from '../../../src/tunnel/traffic/traffic-account.js';
import type { TrafficBudget } from '../../../src/tunnel/traffic/traffic-budget.js';
import { FakeClock } from '../../support/fakes/fake-clock.js';
import { MemoryTrafficStore } from '../../support/fakes/memory-traffic-store.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { seededEntropy } from '../../support/fakes/seeded-entropy.js';

const NOON = Date.UTC(2026, 10, 29, 12);
const MIDNIGHT = Date.UTC(2026, 10, 30);
const MINUTE = 60_000;

let clock: FakeClock;
let log: RecordingLog;
let store: MemoryTrafficStore;
let unix: number;
let cuts: number;
let account: TrafficAccount;
let gate: BudgetGate;
let total: { sentBytes: number; receivedBytes: number };

beforeEach(() => {
  clock = new FakeClock();
  log = new RecordingLog();
  store = new MemoryTrafficStore();
  unix = NOON;
  cuts = 0;
});
afterEach(async () => {
  gate.close();
  await account.close();
  expect(clock.armed).toBe(0);
});

async function open(budget: TrafficBudget = { day: 1_000 }): Promise<void> {
  total = { sentBytes: 0, receivedBytes: 0 };
  const wallClock = { unixMilliseconds: () => unix };
  const ports = { clock, wallClock, log, entropy: seededEntropy(1) };
  account = new TrafficAccount({ name: 'sim1', store, total: () => total, budget, ...ports });
  const outer = () => total.sentBytes + total.receivedBytes;
  gate = new BudgetGate({ account, total: outer, ...ports });
  gate.onCut(() => cuts++);
  await account.saved;
}

/** Carries bytes, and ends the turn of the driver. */
function carry(bytes: number): void {
  total.receivedBytes += bytes;
  gate.afterTurn();
  clock.settle();
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** The error of new work; undefined if it is allowed. */
function refusal(): DialError | undefined {
  try {
    gate.require();
    return undefined;
  } catch (error) {
    return error as DialError;
  }
}

it('allows work until the budget is used up, to the byte', async () => {
  await open();
  carry(999);
  expect([gate.isOpen, refusal()]).toEqual([true, undefined]);
  carry(1);
  expect(gate.isOpen).toBe(false);
  const error = refusal();
  expect(error).toBeInstanceOf(DialError);
  expect(error).toMatchObject({
    reason: 'over-budget',
    message: 'the traffic budget of 1.0 kB per day is used up until 2026-11-30T00:00:00Z',
    retryAfter: 12 * 3_600,
  });
  expect(error!.cause).toBeInstanceOf(TunnelError);
  expect(error!.cause).toMatchObject({
    reason: 'over-budget',
    next: [expect.stringContaining('--budget')],
  });
});

it('notices the level without a turn of the driver', async () => {
  await open();
  total.sentBytes = 1_000;
  expect(gate.isOpen).toBe(false);
});

it('warns once at 80 %, and once when the budget is used up', async () => {
  await open();
  carry(799);
  expect(log.lines).toEqual([]);
  carry(1);
  carry(100);
  gate.uses();
  expect(log.lines).toMatchObject([
    {
      level: 'warn',
      fields: { per: 'day', budgetBytes: 1_000, usedBytes: 800 },
      message: '80 % of the traffic budget of 1.0 kB per day is used',
    },
  ]);
  carry(100);
  carry(500);
  expect(log.messages('warn')).toEqual([
    '80 % of the traffic budget of 1.0 kB per day is used',
    'the traffic budget of 1.0 kB per day is used up: new connections are refused until 2026-11-30T00:00:00Z, and open ones are reset in 5 s',
  ]);
});

it('stores the traffic at each level, so that a killed process keeps it', async () => {
  await open();
  carry(800);
  await account.saved;
  expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { receivedBytes: 800 } });
  carry(200);
  await account.saved;
  expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { receivedBytes: 1_000 } });
});

it('stores the traffic after 1 % of the smallest budget, so that a process killed each minute counts', async () => {
  await open({ day: 100_000, month: 1_000_000 });
  carry(999);
  await account.saved;
  expect(store.files.get('sim1')).toBeUndefined();
  carry(1);
  await account.saved;
  expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { receivedBytes: 1_000 } });
  carry(999);
  await account.saved;
  expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { receivedBytes: 1_000 } });
  carry(1);
  await account.saved;
  expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { receivedBytes: 2_000 } });
});

it('does not store more often because of a budget that is used up', async () => {
  await open({ day: 1_000, month: 1_000_000 });
  carry(1_000);
  await account.saved;
  carry(9_999);
  await account.saved;
  expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { receivedBytes: 1_000 } });
  carry(1);
  await account.saved;
  expect(store.files.get('sim1')).toMatchObject({ '2026-11-29': { receivedBytes: 11_000 } });
});

it('is closed after a restart, before anything is sent', async () => {
  store.files.set('sim1', { '2026-11-29': { sentBytes: 600, receivedBytes: 400 } });
  await open();
  expect(gate.isOpen).toBe(false);
});

it('resets open connections after 5 s', async () => {
  await open();
  carry(1_000);
  clock.advance(4_999);
  expect(cuts).toBe(0);
  clock.advance(1);
  expect(cuts).toBe(1);
});

it('resets open connections at once after 5 % more', async () => {
  await open();
  carry(1_000);
  carry(49);
  expect(cuts).toBe(0);
  carry(1);
  expect(cuts).toBe(1);
  clock.advance(5_000);
  expect(cuts).toBe(1);
});

it('resets connections again that opened meanwhile', async () => {
  await open();
  carry(1_000);
  clock.advance(5_000);
  await settle();
  clock.advance(MINUTE);
  await settle();
  clock.settle();
  expect(cuts).toBe(2);
});

it('defers the reset, because the netstack may be the caller', async () => {
  await open();
  total.receivedBytes = 2_000;
  gate.afterTurn();
  expect(cuts).toBe(0);
  clock.settle();
  expect(cuts).toBe(1);
});

it('opens at midnight, and resets nothing then', async () => {
  await open();
  unix = MIDNIGHT - 1_000;
  carry(1_000);
  expect(refusal()).toMatchObject({ retryAfter: 1 });
  unix = MIDNIGHT - 1;
  expect(gate.isOpen).toBe(false);
  unix = MIDNIGHT;
  expect(gate.isOpen).toBe(true);
  expect(refusal()).toBeUndefined();
  clock.advance(5_000);
  expect(cuts).toBe(0);
  expect(log.messages('info')).toEqual(['the traffic budget allows new connections again']);
});

it('logs within a minute that it is open, without any request', async () => {
  await open();
  carry(1_000);
  unix = MIDNIGHT;
  clock.advance(MINUTE);
  await settle();
  expect(log.messages('info')).toEqual(['the traffic budget allows new connections again']);
});

it('warns again in the next period', async () => {
  await open();
  carry(800);
  unix = MIDNIGHT;
  expect(gate.isOpen).toBe(true);
  carry(800);
  expect(log.messages('warn')).toHaveLength(2);
});

it('refuses until the last of two budgets begins again', async () => {
  await open({ day: 1_000, month: 1_500 });
  carry(1_000);
  expect(refusal()?.message).toContain('per day');
  carry(500);
  expect(refusal()?.message).toContain('per month is used up until 2026-12-01T00:00:00Z');
  unix = MIDNIGHT;
  expect(gate.isOpen).toBe(false);
  unix = Date.UTC(2026, 11, 1);
  expect(gate.isOpen).toBe(true);
});

it('is closed again if the clock is set back to a day without budget', async () => {
  await open();
  carry(1_000);
  unix = MIDNIGHT;
  expect(gate.isOpen).toBe(true);
  unix = NOON;
  expect(gate.isOpen).toBe(false);
});

it('opens for another SIM, whose levels are logged again', async () => {
  await open();
  carry(1_000);
  account.follow('sim2');
  await settle();
  expect(gate.isOpen).toBe(true);
  carry(800);
  expect(log.messages('warn')).toHaveLength(2);
});

it('resets nothing after it is closed', async () => {
  await open();
  carry(2_000);
  gate.close();
  clock.advance(MINUTE);
  expect(cuts).toBe(1);
});
