import { jest } from '@jest/globals';
import type { Socket } from 'node:net';

import { Secret } from '../../../src/lib/secrets/secret.js';
import { ClientGate } from '../../../src/proxy/authentication/client-gate.js';
import { PasswordCheck } from '../../../src/proxy/authentication/password-check.js';
import { replyOf } from '../../../src/proxy/socks5/messages.js';
import { Socks5Session } from '../../../src/proxy/socks5/session.js';
import { Side } from '../support/side.js';

const GREETING = [5, 1, 0];
const REQUEST = [5, 1, 0, 1, 10, 0, 0, 1, 0, 80];

let client: Side;
let dialled: string[];
let requests: number;
let failures: number;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  client = new Side();
  dialled = [];
  requests = failures = 0;
});
afterEach(() => {
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

function start(password?: string): Socks5Session {
  const line = () => undefined;
  return new Socks5Session(client as unknown as Socket, {
    dialer: {
      dial: ({ host, port }) => {
        dialled.push(`${host} ${port}`);
        return new Promise(() => undefined);
      },
    },
    log: { error: line, warn: line, info: line, debug: line },
    gate: new ClientGate({
      password: password === undefined ? undefined : new PasswordCheck(secretOf(password)),
      choice: undefined,
      isLocal: true,
    }),
    onRequest: () => requests++,
    onFailure: () => failures++,
  });
}

function secretOf(password: string): Secret<Uint8Array> {
  return new Secret(new Uint8Array(Buffer.from(password)));
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function send(bytes: readonly number[]): Promise<void> {
  client.push(Buffer.from(bytes));
  await settle();
}

function taken(): string {
  return Buffer.from(client.taken, 'utf8').toString('hex');
}

it('is busy from its request until it ends', async () => {
  const session = start();
  await send(GREETING);
  expect([taken(), session.isBusy]).toEqual(['0500', false]);
  await send(REQUEST);
  expect([dialled, session.isBusy, requests]).toEqual([['10.0.0.1 80'], true, 1]);
  client.destroy();
  await settle();
  expect([session.isBusy, failures]).toEqual([false, 0]);
});

it('allows a client 30 s for its whole handshake, even if bytes arrive slowly', async () => {
  start();
  const bytes = [...GREETING, ...REQUEST];
  for (const byte of bytes.slice(0, -1)) {
    await send([byte]);
    jest.advanceTimersByTime(2_400);
  }
  await settle();
  expect(client.fate).toBe('open');
  jest.advanceTimersByTime(30_000 - 12 * 2_400);
  await settle();
  expect([client.fate, dialled, requests]).toEqual(['in order', [], 0]);
});

it('has no timeout after it starts to dial', async () => {
  const session = start();
  await send([...GREETING, ...REQUEST]);
  jest.advanceTimersByTime(60_000);
  await settle();
  expect(client.fate).toBe('open');
  client.destroy();
  await settle();
  expect(session.isBusy).toBe(false);
});

it.each([
  ['its end', () => client.push(null)],
  ['its reset', () => client.destroy(new Error('reset'))],
])('ends if %s of the client arrives before the request', async (_name, leave) => {
  start();
  await send([...GREETING, ...REQUEST.slice(0, 6)]);
  leave();
  await settle();
  expect([client.destroyed, dialled, failures]).toEqual([true, [], 0]);
});

it('is closed by abort() before its request', async () => {
  const session = start();
  await send(GREETING);
  session.abort();
  await settle();
  expect(client.fate).toBe('in order');
});

it.each([
  ['another version in the request', [4, 1, 0, 1, 10, 0, 0, 1, 0, 80], 1],
  ['an empty name', [5, 1, 0, 3, 0, 0, 80], 1],
  ['a name with a zero byte', [5, 1, 0, 3, 3, 0x61, 0, 0x62, 0, 80], 1],
  ['an address with a zone', [5, 1, 0, 3, 9, ...Buffer.from('fe80::1%1'), 0, 80], 1],
  ['type 2', [5, 1, 0, 2, 10, 0, 0, 1, 0, 80], 8],
])('refuses %s', async (_name, request, code) => {
  start();
  await send([...GREETING, ...request]);
  expect(client.hasEnded).toBe(true);
  expect(taken()).toBe(`0500050${code}0001000000000000`);
  expect([dialled, failures]).toEqual([[], 1]);
  client.push(null);
  await settle();
});

describe('with a password', () => {
  const OFFER = [5, 2, 0, 2];
  const login = (password: string) => [1, 1, 0x75, password.length, ...Buffer.from(password)];

  it('serves a client that sends the password, in parts or at once', async () => {
    start('secret');
    await send([...OFFER, ...login('secret'), ...REQUEST]);
    expect([taken(), dialled]).toEqual(['05020100', ['10.0.0.1 80']]);
    client.destroy();
    await settle();
    client = new Side();
    dialled = [];
    start('secret');
    for (const byte of [...OFFER, ...login('secret'), ...REQUEST]) await send([byte]);
    expect([taken(), dialled]).toEqual(['05020100', ['10.0.0.1 80']]);
    client.destroy();
    await settle();
  });

  it.each([
    ['a wrong password', login('Secret')],
    ['an empty password', login('')],
    ['another version', [2, 1]],
  ])('answers %s after 1 s, and closes the connection', async (_name, message) => {
    const session = start('secret');
    await send([...OFFER, ...message, ...REQUEST]);
    jest.advanceTimersByTime(999);
    await settle();
    expect([taken(), session.isBusy, failures]).toEqual(['0502', false, 1]);
    jest.advanceTimersByTime(1);
    await settle();
    expect([taken(), client.hasEnded, dialled]).toEqual(['05020101', true, []]);
    client.push(null);
    await settle();
  });

  it('forgets a client that leaves before the answer', async () => {
    start('secret');
    await send([...OFFER, ...login('wrong')]);
    client.destroy();
    await settle();
  });

  it('refuses a client that does not offer a password', async () => {
    start('secret');
    await send([...GREETING, ...REQUEST]);
    // The byte 0xff, which is not UTF-8.
    expect([client.taken, client.hasEnded, dialled]).toEqual(['\x05\ufffd', true, []]);
    client.push(null);
    await settle();
  });
});

it.each([
  ['no-route', 2],
  ['no-handshake', 3],
  ['not-ready', 3],
  ['unreachable', 4],
  ['timeout', 4],
  ['no-such-name', 4],
  ['name-unresolved', 4],
  ['refused', 5],
  ['closed', 1],
  ['exhausted', 1],
  ['over-budget', 2],
] as const)('reports a dial that failed with %s as code %i', (reason, code) => {
  expect(replyOf({ reason, message: 'no' })).toBe(code);
});
