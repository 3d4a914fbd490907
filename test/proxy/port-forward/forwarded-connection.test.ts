import { jest } from '@jest/globals';
import type { Duplex } from 'node:stream';

import { DialError } from '../../../src/proxy/dialer.js';
import { ForwardCounters } from '../../../src/proxy/port-forward/forward-counters.js';
import { ForwardedConnection } from '../../../src/proxy/port-forward/forwarded-connection.js';
import { RecordingLog } from '../../support/fakes/recording-log.js';
import { Side } from '../support/side.js';

let client: Side;
let target: Side;
let log: RecordingLog;
let counters: ForwardCounters;
let overCount: number;
let connect: (stream: Duplex) => void;
let refuse: (error: unknown) => void;
let dialling: AbortSignal | undefined;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  client = new Side();
  target = new Side();
  log = new RecordingLog();
  counters = new ForwardCounters('local');
  overCount = 0;
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function start(): ForwardedConnection {
  const dial = (signal: AbortSignal) => {
    dialling = signal;
    return new Promise<Duplex>((resolve, reject) => {
      connect = resolve;
      refuse = reject;
    });
  };
  const parties = { client: '127.0.0.1:5', target: 'one.test:80' };
  const connection = new ForwardedConnection(
    client,
    parties,
    { log, counters, dial },
    () => overCount++,
  );
  connection.start();
  return connection;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
}

it('relays in both directions, with half-close in each', async () => {
  start();
  client.push('early ');
  await settle();
  connect(target);
  await settle();
  client.push('late');
  client.push(null);
  await settle();
  expect(target.taken).toBe('early late');
  expect(target.hasEnded).toBe(true);
  expect(client.hasEnded).toBe(false);
  target.push('answer');
  await settle();
  expect(counters.totals()).toMatchObject({ active: 1, sentBytes: 10, receivedBytes: 6 });
  target.push(null);
  await settle();
  expect([client.fate, target.fate]).toEqual(['in order', 'in order']);
  expect(client.taken).toBe('answer');
  expect(overCount).toBe(1);
  expect(counters.totals()).toMatchObject({ connections: 1, active: 0, failures: 0 });
  expect(log.lines).toMatchObject([
    {
      level: 'info',
      message: 'connection closed',
      fields: { client: '127.0.0.1:5', target: 'one.test:80', sent: 10, received: 6 },
    },
  ]);
});

it('does not read more from the client than the target takes', async () => {
  start();
  target.isFull = true;
  connect(target);
  for (let count = 0; count < 10; count++) client.push('12345678');
  await settle();
  expect(counters.toTarget).toBeLessThan(80);
  target.drain();
  await settle();
  expect(target.taken).toHaveLength(80);
  client.push(null);
  target.push(null);
  await settle();
  expect(overCount).toBe(1);
});

it('resets the client if the dial fails', async () => {
  start();
  refuse(new DialError('refused', 'the port is closed'));
  await settle();
  expect(client.fate).toBe('reset');
  expect(client.hasEnded).toBe(false);
  expect(counters.totals()).toMatchObject({ failures: 1, active: 0 });
  expect(overCount).toBe(1);
  expect(log.lines).toMatchObject([
    {
      level: 'warn',
      message: 'cannot connect to the target: the port is closed',
      fields: { reason: 'refused', client: '127.0.0.1:5', target: 'one.test:80' },
    },
  ]);
});

it('ends the dial if the client disconnects first, without a failure', async () => {
  start();
  client.destroy();
  await settle();
  expect(dialling?.aborted).toBe(true);
  expect(overCount).toBe(1);
  refuse(new Error('aborted'));
  await settle();
  expect(counters.totals()).toMatchObject({ failures: 0, active: 0 });
  expect(log.lines).toEqual([]);
});

it('resets a target that connects after the client has disconnected', async () => {
  start();
  client.destroy();
  await settle();
  connect(target);
  await settle();
  expect(target.fate).toBe('reset');
  expect(overCount).toBe(1);
});

it('is over if the client has disconnected before the start', async () => {
  client.destroy();
  await settle();
  start();
  await settle();
  expect(overCount).toBe(1);
  expect(counters.active).toBe(0);
});

it('resets both sides if one is reset', async () => {
  start();
  connect(target);
  await settle();
  target.destroy(new Error('reset'));
  await settle();
  expect(client.fate).toBe('reset');
  expect(overCount).toBe(1);
});

it.each(['before', 'after'])('resets both sides on abort %s the dial', async (moment) => {
  const connection = start();
  if (moment === 'after') connect(target);
  await settle();
  connection.abort();
  await settle();
  expect(client.fate).toBe('reset');
  if (moment === 'after') expect(target.fate).toBe('reset');
  else expect(dialling?.aborted).toBe(true);
  expect(overCount).toBe(1);
});
