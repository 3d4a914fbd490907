import { jest } from '@jest/globals';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { DialError } from '../../../src/proxy/dialer.js';
import {
  endWith,
  type JoinedConnection,
  joinTarget,
} from '../../../src/proxy/relay/joined-connection.js';
import { Side } from '../support/side.js';

const TARGET = { host: 'one.test', port: 80 };
/** The fields of each log line about the connection. */
const PARTIES = '"client":"127.0.0.1:51234","target":"one.test:80"';

let client: Side;
let target: Side;
let lines: string[];
let failures: number;
let overCount: number;
/** How the test answers the dial. */
let connect: (stream: Duplex) => void;
let refuse: (error: unknown) => void;
let accesses: object[];
let dialling: AbortSignal | undefined;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  client = new Side();
  target = new Side();
  lines = [];
  accesses = [];
  failures = overCount = 0;
  dialling = undefined;
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function asSocket(side: Side): Socket {
  return Object.assign(side, {
    remoteAddress: '127.0.0.1',
    remotePort: 51_234,
  }) as unknown as Socket;
}

function start(): JoinedConnection {
  const line = (level: string) => (fields: object, message: string) => {
    if (level === 'info') accesses.push({ ...fields, message });
    else lines.push(`${level} ${JSON.stringify(fields)} ${message}`);
  };
  return joinTarget(
    asSocket(client),
    { target: TARGET, granted: 'yes ', refused: ({ reason }) => `no: ${reason}` },
    {
      dialer: {
        dial: (asked, signal) => {
          expect(asked).toEqual(TARGET);
          dialling = signal;
          return new Promise((resolve, reject) => {
            connect = resolve;
            refuse = reject;
          });
        },
      },
      log: { error: line('error'), warn: line('warn'), info: line('info'), debug: line('debug') },
      onFailure: () => failures++,
    },
    () => overCount++,
  );
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** The client closes as well, as clients do after they have the answer. */
async function closeClient(): Promise<void> {
  client.push(null);
  await settle();
  expect(client.fate).toBe('in order');
  expect(overCount).toBe(1);
}

describe('a target that answers', () => {
  it('is joined: the client gets the reply first, then the target’s bytes, and early data goes to the target', async () => {
    client.push('early');
    start();
    await settle();
    expect([client.taken, client.fate]).toEqual(['', 'open']);
    target.push('hello');
    connect(target);
    await settle();
    expect([client.taken, target.taken]).toEqual(['yes hello', 'early']);
    client.push(null);
    await settle();
    expect([target.hasEnded, target.fate, overCount]).toEqual([true, 'open', 0]);
    target.push(null);
    await settle();
    expect([target.fate, overCount, failures]).toEqual(['in order', 1, 0]);
    expect(lines).toEqual([]);
    expect(accesses).toEqual([
      {
        message: 'connection closed',
        client: '127.0.0.1:51234',
        target: 'one.test:80',
        sent: 5,
        received: 5,
        ms: expect.any(Number) as number,
      },
    ]);
  });

  it('also gets the end that its client sent early', async () => {
    client.push('all');
    client.push(null);
    start();
    await settle();
    expect(dialling?.aborted).toBe(false);
    connect(target);
    await settle();
    expect([target.taken, target.hasEnded]).toEqual(['all', true]);
    target.push('answer');
    target.push(null);
    await settle();
    expect([client.taken, client.fate, overCount]).toEqual(['yes answer', 'in order', 1]);
  });

  it('resets the client if it has already disconnected', async () => {
    start();
    target.on('error', () => undefined).destroy(new Error('reset'));
    await settle();
    connect(target);
    await settle();
    expect([client.fate, overCount]).toEqual(['reset', 1]);
  });
});

describe('a target that cannot be reached', () => {
  it.each([
    [
      new DialError('no-route', 'outside'),
      'no-route',
      `warn {"reason":"no-route",${PARTIES}} cannot connect to the target: outside`,
    ],
    [
      new DialError('timeout', 'quiet', { silence: 'no-answer' }),
      'timeout',
      `warn {"reason":"timeout","silence":"no-answer",${PARTIES}} cannot connect to the target: quiet`,
    ],
    [
      new Error('a fault'),
      'dial-failed',
      `warn {"reason":"dial-failed",${PARTIES}} cannot connect to the target: a fault`,
    ],
  ])('is logged with the reason: %#', async (error, reason, line) => {
    start();
    refuse(error);
    await settle();
    expect([client.taken, client.hasEnded]).toEqual([`no: ${reason}`, true]);
    expect([failures, lines]).toEqual([1, [line]]);
    await closeClient();
    expect(lines).toHaveLength(1);
  });

  it('reads the rest from the client, and gives it 2 s to close', async () => {
    client.push('early');
    start();
    refuse(new DialError('refused', 'RST'));
    await settle();
    client.push('late');
    await settle();
    expect(client.readableLength).toBe(0);
    jest.advanceTimersByTime(1_999);
    await settle();
    expect([client.fate, overCount]).toEqual(['open', 0]);
    jest.advanceTimersByTime(1);
    await settle();
    expect([client.fate, overCount]).toEqual(['in order', 1]);
  });
});

describe('a client that disconnects during the dial', () => {
  it.each([
    ['by a reset', () => client.destroy(new Error('reset'))],
    ['by a close', () => client.destroy()],
  ])('%s aborts the dial, which is not a failure', async (_name, leave) => {
    start();
    leave();
    await settle();
    expect(dialling?.aborted).toBe(true);
    refuse(dialling?.reason);
    await settle();
    expect([overCount, failures, lines]).toEqual([1, 0, ['debug {} the client disconnected']]);
  });

  it('destroys a connection that is established anyway', async () => {
    start();
    client.destroy();
    connect(target);
    await settle();
    expect([target.fate, target.taken, overCount]).toEqual(['reset', '', 1]);
  });
});

describe('abort', () => {
  it('during the dial refuses the client, and aborts the dial', async () => {
    const connection = start();
    connection.abort();
    expect(dialling?.aborted).toBe(true);
    refuse(dialling?.reason);
    await settle();
    expect([client.taken, failures]).toEqual(['no: closed', 1]);
    expect(lines).toEqual([
      `warn {"reason":"closed",${PARTIES}} cannot connect to the target: the proxy is closing`,
    ]);
    connection.abort();
    await closeClient();
    expect(failures).toBe(1);
  });

  it('leaves no data unread and no connection open if the dial continues anyway', async () => {
    client.push('early');
    start().abort();
    await settle();
    expect(client.readableLength).toBe(0);
    connect(target);
    await settle();
    expect(target.fate).toBe('reset');
    expect(client.taken).toBe('no: closed');
    await closeClient();
  });

  it('resets both after they are joined', async () => {
    const connection = start();
    connect(target);
    await settle();
    connection.abort();
    await settle();
    expect([client.fate, target.fate, overCount, failures]).toEqual(['reset', 'reset', 1, 0]);
  });
});

describe('endWith', () => {
  it('handles a client that resets', async () => {
    endWith(asSocket(client), 'bye');
    client.destroy(new Error('reset'));
    await settle();
    expect(client.fate).toBe('reset');
  });

  it('resets a client that does not read', async () => {
    client.isFull = true;
    endWith(asSocket(client), 'bye');
    jest.advanceTimersByTime(2_000);
    await settle();
    expect([client.fate, client.taken]).toEqual(['in order', '']);
  });
});
