import { jest } from '@jest/globals';
import type { Duplex } from 'node:stream';

import { EchoDiscardEndpoint } from '../../../src/emulator/endpoints/echo-discard.js';
import { MAX_CONNECTIONS } from '../../../src/emulator/endpoints/sim-endpoint.js';
import { FakeArcNetwork, ip, readAll, twoSims } from '../fakes.js';

const ECHO = '100.127.69.42:7';
const DISCARD = '100.127.69.42:9';
const STRANGER = '10.0.0.99';

function open() {
  const network = new FakeArcNetwork();
  const endpoint = new EchoDiscardEndpoint(twoSims().sims);
  endpoint.listen(network);
  const connect = (to: string, from = '10.0.0.2') => network.connect(to, from);
  return { network, endpoint, connect };
}

const closed = (stream: Duplex) => new Promise<void>((resolve) => stream.once('close', resolve));

it('echoes a connection and closes after it ends', async () => {
  const client = open().connect(ECHO);
  client.write('one');
  client.end('two');
  expect(await readAll(client)).toBe('onetwo');
});

it('discards a connection and closes after it ends', async () => {
  const client = open().connect(DISCARD);
  client.end('one');
  expect(await readAll(client)).toBe('');
});

it('echoes a datagram and discards another', () => {
  const { network } = open();
  const payload = Uint8Array.of(1, 2, 3);
  expect(network.exchange(ECHO, payload)).toEqual([payload]);
  expect(network.exchange(DISCARD, payload)).toEqual([]);
});

it('serves only SIMs', async () => {
  const { network, endpoint, connect } = open();
  await closed(connect(ECHO, STRANGER));
  await closed(connect(DISCARD, STRANGER));
  expect(network.exchange(ECHO, Uint8Array.of(1), STRANGER)).toEqual([]);
  expect(endpoint.drops.total).toBe(3);
});

it('does not answer another echo service', () => {
  const { endpoint } = open();
  const bound = new Map<number, (...args: never[]) => void>();
  endpoint.listen({
    listenTcp: () => undefined,
    bindUdp: ({ port }, handler) => void bound.set(port, handler),
  });
  const reply = jest.fn();
  const handler = bound.get(7) as unknown as (
    payload: Uint8Array,
    from: object,
    reply: jest.Mock,
  ) => void;
  handler(Uint8Array.of(1), { address: ip('10.0.0.2'), port: 7 }, reply);
  expect(reply).not.toHaveBeenCalled();
  handler(Uint8Array.of(1), { address: ip('10.0.0.2'), port: 8 }, reply);
  expect(reply).toHaveBeenCalledTimes(1);
});

it('limits the connections', async () => {
  const { endpoint, connect } = open();
  for (let count = 0; count < MAX_CONNECTIONS; count++) connect(ECHO);
  await closed(connect(DISCARD));
  endpoint.close();
});

it('resets a connection that is idle for 75 s', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  try {
    const client = open().connect(DISCARD);
    const end = closed(client);
    jest.advanceTimersByTime(75_000);
    await end;
  } finally {
    jest.useRealTimers();
  }
});
