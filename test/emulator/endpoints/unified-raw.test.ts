import { jest } from '@jest/globals';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

import {
  type RawResponse,
  UnifiedRawEndpoint,
} from '../../../src/emulator/endpoints/unified-raw.js';
import { MAX_CONNECTIONS } from '../../../src/emulator/endpoints/sim-endpoint.js';
import { KEPT_BODY_BYTES, MessageStore } from '../../../src/emulator/messages.js';
import { FakeWallClock, ip, readAll, streamPair, twoSims } from '../fakes.js';

function raw(answer: RawResponse = 'status', idleTimeout?: number) {
  const messages = new MessageStore();
  const { sims, simIds } = twoSims();
  const endpoint = new UnifiedRawEndpoint({
    sims,
    messages,
    wallClock: new FakeWallClock(),
    answer,
    ...(idleTimeout !== undefined && { idleTimeout }),
  });
  const connect = (from = '10.0.0.2'): Duplex => {
    const [client, server] = streamPair();
    endpoint.handleConnection(server, { address: ip(from), port: 40_000 });
    return client;
  };
  const exchange = (payload: Uint8Array, from = '10.0.0.2'): string[] => {
    const replies: string[] = [];
    endpoint.handleDatagram(payload, { address: ip(from), port: 40_000 }, (reply) =>
      replies.push(String.fromCharCode(...reply)),
    );
    return replies;
  };
  return { endpoint, messages, simIds, connect, exchange };
}

const closed = (stream: Duplex) => new Promise<void>((resolve) => stream.once('close', resolve));

/** The next text that arrives. */
const next = (stream: Duplex) =>
  new Promise<string>((resolve) => stream.once('data', (chunk) => resolve(String(chunk))));

describe('over TCP', () => {
  it('each chunk is a message and gets the status', async () => {
    const { connect, messages, simIds } = raw();
    const client = connect();
    client.write('one');
    expect(await next(client)).toBe('201 ');
    client.write('two');
    expect(await next(client)).toBe('201 ');
    client.end();
    await readAll(client);
    const message = { protocol: 'tcp', simId: simIds[0], at: '2026-01-02T03:04:05.000Z' };
    const body = { bodyEncoding: 'utf8', bytes: 3, truncated: false };
    expect(messages.all()).toEqual([
      { ...message, ...body, body: 'one' },
      { ...message, ...body, body: 'two' },
    ]);
  });

  it('the server sends the pending answers and closes after the client closes', async () => {
    const { connect } = raw();
    const client = connect();
    client.end('last');
    expect(await readAll(client)).toBe('201 ');
  });

  it.each<RawResponse>(['empty', 'none'])(
    'the client receives nothing if the answer is %s',
    async (answer) => {
      const { connect, messages } = raw(answer);
      const client = connect();
      client.end('x');
      expect(await readAll(client)).toBe('');
      expect(messages.all()).toHaveLength(1);
    },
  );

  it('only part of a large chunk is stored', async () => {
    const { connect, messages } = raw('none');
    connect('10.0.0.3').end(Buffer.alloc(KEPT_BODY_BYTES + 1, 'x'));
    await turn();
    expect(messages.all()).toMatchObject([{ bytes: KEPT_BODY_BYTES + 1, truncated: true }]);
  });

  it('data is not read from a client that does not read its answers', async () => {
    const { endpoint, messages } = raw();
    const waiting: (() => void)[] = [];
    const server = new Duplex({
      read: () => undefined,
      writableHighWaterMark: 8,
      write: (_chunk, _encoding, done) => void waiting.push(done),
    });
    endpoint.handleConnection(server, { address: ip('10.0.0.2'), port: 1 });
    for (const piece of ['a', 'b', 'c']) {
      server.push(piece);
      await turn();
    }
    expect(messages.all().map(({ body }) => body)).toEqual(['a', 'b']);
    for (const done of [waiting[0]!, () => waiting[1]!()]) {
      done();
      await turn();
    }
    expect(messages.all().map(({ body }) => body)).toEqual(['a', 'b', 'c']);
    endpoint.close();
  });

  it('a client with an unknown address is not served', async () => {
    const { endpoint, connect } = raw();
    await closed(connect('10.0.0.9').resume());
    expect(endpoint.drops.of('no-sim')).toBe(1);
  });

  it('connections have a limit, and are accepted again after one is closed', async () => {
    const { endpoint, connect } = raw();
    const clients = Array.from({ length: MAX_CONNECTIONS }, () => connect());
    await closed(connect().resume());
    expect(endpoint.drops.of('too-many')).toBe(1);
    const [first] = clients;
    const gone = closed(first!);
    first!.destroy();
    await gone;
    await turn();
    connect();
    expect(endpoint.drops.total).toBe(1);
    endpoint.close();
  });

  it('a connection is closed after its idle timeout', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    const client = raw('status', 100).connect().resume();
    jest.advanceTimersByTime(99);
    client.write('x');
    await turn();
    jest.advanceTimersByTime(99);
    await turn();
    expect(client.destroyed).toBe(false);
    jest.advanceTimersByTime(1);
    await closed(client);
    jest.useRealTimers();
  });

  it('a broken connection has no effect on others', async () => {
    const { endpoint, connect, messages } = raw();
    const [client, server] = streamPair();
    endpoint.handleConnection(server, { address: ip('10.0.0.2'), port: 1 });
    server.destroy(new Error('reset by peer'));
    await closed(client.resume());
    connect().end('x');
    await turn();
    expect(messages.all()).toHaveLength(1);
  });

  it('connections are closed when the endpoint closes', async () => {
    const { endpoint, connect } = raw();
    const client = connect().resume();
    endpoint.close();
    await closed(client);
  });
});

describe('over UDP', () => {
  it('each datagram is a message and gets the status', () => {
    const { exchange, messages, simIds } = raw();
    expect(exchange(Uint8Array.of(0xff), '10.0.0.3')).toEqual(['201 ']);
    expect(exchange(new Uint8Array(0))).toEqual(['201 ']);
    expect(messages.all()).toMatchObject([
      { protocol: 'udp', simId: simIds[1], body: '/w==', bodyEncoding: 'base64', bytes: 1 },
      { protocol: 'udp', simId: simIds[0], body: '', bytes: 0 },
    ]);
  });

  it.each<[RawResponse, string[]]>([
    ['empty', ['']],
    ['none', []],
  ])('the answer %s is %j', (answer, replies) => {
    const { exchange, messages } = raw(answer);
    expect(exchange(Buffer.from('x'))).toEqual(replies);
    expect(messages.all()).toHaveLength(1);
  });

  it('a client with an unknown address is not served', () => {
    const { endpoint, exchange, messages } = raw();
    expect(exchange(Buffer.from('x'), '10.0.0.9')).toEqual([]);
    expect(messages.all()).toEqual([]);
    expect(endpoint.drops.of('no-sim')).toBe(1);
  });
});
