import { jest } from '@jest/globals';
import dnsPacket from 'dns-packet';

import { askNameServer, responseText } from '../../../tools/smoke/soracom/dns-query.js';

const { signal } = new AbortController();
const answers = [{ type: 'A' as const, name: 'uni.soracom.io', ttl: 60, data: '100.127.69.42' }];
const response = (id: number, flags = 0) =>
  dnsPacket.encode({ type: 'response', id, flags, answers });

it('describes a response without its ID', () => {
  const { AUTHORITATIVE_ANSWER, RECURSION_AVAILABLE } = dnsPacket;
  expect(responseText(response(7, AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE), 7)).toMatch(
    /^NOERROR, authoritative, recursion available, A 100\.127\.69\.42 \(TTL 60 s\), \d+ bytes$/,
  );
  expect(responseText(response(7, 3), 7)).toMatch(/^NXDOMAIN, /);
});

it.each([
  ['another ID', response(8)],
  ['a query', dnsPacket.encode({ type: 'query', id: 7 })],
  ['bytes that are not DNS', Buffer.from([7])],
])('ignores %s', (_name, payload) => {
  expect(responseText(payload, 7)).toBeUndefined();
});

/** A tunnel whose name server answers what `answer` returns. */
function tunnelTo(answer: (query: Buffer, attempt: number) => Buffer[]) {
  let attempts = 0;
  let isClosed = false;
  const createUdpSocket = (onMessage: (payload: Buffer) => void) => ({
    on: () => undefined,
    send: (query: Buffer) => {
      for (const payload of answer(query, ++attempts)) onMessage(payload);
    },
    close: () => (isClosed = true),
  });
  const tunnel = { createUdpSocket } as unknown as Parameters<typeof askNameServer>[0];
  return { tunnel, state: () => ({ attempts, isClosed }) };
}

const QUERY = { server: '100.127.0.53', name: 'uni.soracom.io', type: 'A' } as const;

it('asks again if a datagram is lost, and ignores wrong responses', async () => {
  jest.useFakeTimers({ doNotFake: ['performance', 'nextTick'] });
  try {
    const { tunnel, state } = tunnelTo((query, attempt) => {
      const id = dnsPacket.decode(query).id ?? 0;
      return attempt === 1 ? [response(id ^ 1)] : [response(id)];
    });
    const asked = askNameServer(tunnel, QUERY, signal);
    await jest.advanceTimersByTimeAsync(3_000);
    expect(await asked).toMatch(/^NOERROR, A 100\.127\.69\.42/);
    expect(state()).toEqual({ attempts: 2, isClosed: true });
  } finally {
    jest.useRealTimers();
  }
});

it('fails if the server does not answer, and closes the socket', async () => {
  jest.useFakeTimers({ doNotFake: ['performance', 'nextTick'] });
  try {
    const { tunnel, state } = tunnelTo(() => []);
    const asked = expect(askNameServer(tunnel, QUERY, signal)).rejects.toThrow(
      '100.127.0.53 did not answer',
    );
    await jest.advanceTimersByTimeAsync(6_000);
    await asked;
    expect(state()).toEqual({ attempts: 2, isClosed: true });
  } finally {
    jest.useRealTimers();
  }
});
