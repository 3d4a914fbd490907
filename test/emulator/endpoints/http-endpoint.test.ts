import { once } from 'node:events';
import type { Duplex } from 'node:stream';

import { jest } from '@jest/globals';

import { HttpEndpoint, type HttpTimeouts } from '../../../src/emulator/endpoints/http-endpoint.js';
import { MAX_CONNECTIONS } from '../../../src/emulator/endpoints/sim-endpoint.js';
import { ip, readAll, streamPair, twoSims } from '../fakes.js';
import { until } from '../../support/until.js';

afterEach(() => jest.useRealTimers());

/** An endpoint that answers 201 after it has read the whole request. */
function served(timeouts?: HttpTimeouts) {
  const bodies: string[] = [];
  const { sims, simIds } = twoSims();
  const served: string[] = [];
  const endpoint = new HttpEndpoint(
    sims,
    ({ simId }, request, response) => {
      served.push(simId);
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        bodies.push(body);
        response.writeHead(201, { 'Content-Length': '0' }).end();
      });
    },
    timeouts,
  );
  const connect = (from = '10.0.0.2'): Duplex => {
    const [client, server] = streamPair();
    endpoint.handleConnection(server, { address: ip(from), port: 40_000 });
    return client;
  };
  return { endpoint, bodies, connect, sims, simIds, served };
}

/** One request on a new connection, answered and closed. */
async function exchange(client: Duplex, request: string): Promise<string> {
  client.write(request);
  return readAll(client);
}

const closed = (stream: Duplex) => new Promise<void>((resolve) => stream.once('close', resolve));

describe('a connection', () => {
  it('is refused if no SIM has the address', async () => {
    const { endpoint, connect } = served();
    await closed(connect('10.0.0.9').resume());
    expect(endpoint.drops.of('no-sim')).toBe(1);
  });

  it('is refused above the limit, and accepted again after one is closed', async () => {
    const { endpoint, connect } = served();
    const clients = Array.from({ length: MAX_CONNECTIONS }, () => connect());
    await closed(connect().resume());
    expect(endpoint.drops.of('too-many')).toBe(1);
    const [gone] = clients as [Duplex];
    const leaving = closed(gone);
    gone.destroy();
    await leaving;
    // The endpoint notices the end a few turns later, and refuses connections until then.
    let refused = 1;
    await until(() => {
      connect();
      const isTaken = endpoint.drops.total === refused;
      refused = endpoint.drops.total;
      return isTaken;
    });
    endpoint.close();
  });

  it('gets 400 for data that is not HTTP, and ends', async () => {
    const { connect, bodies } = served();
    expect(await exchange(connect(), 'nonsense\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n/,
    );
    expect(bodies).toEqual([]);
  });

  it('gets 431 for headers without an end', async () => {
    const { connect } = served();
    const head = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`;
    expect(await exchange(connect(), head)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it.each([
    ['no request comes', { idle: 20, request: 60_000 }, ''],
    ['headers do not end', { idle: 20, request: 60_000 }, 'GET / HTTP/1.1\r\nHost:'],
    ['a body does not end', { idle: 60_000, request: 20 }, unfinishedPost()],
    [
      'no further request comes',
      { idle: 20, request: 60_000 },
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    ],
  ])('ends at its deadline if %s', async (_, timeouts, sent) => {
    const client = served(timeouts).connect().resume();
    if (sent !== '') client.write(sent);
    await closed(client);
  });

  it('stays open until its idle timeout, which it announces', async () => {
    const { endpoint } = served();
    const [client, server] = streamPair();
    // A stream of the tunnel has this method, which Node's server calls.
    const timeouts: number[] = [];
    const setTimeout = (timeout: number) => {
      timeouts.push(timeout);
      return server;
    };
    endpoint.handleConnection(Object.assign(server, { setTimeout }), {
      ...{ address: ip('10.0.0.2'), port: 40_000 },
    });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const [head] = (await once(client, 'data')) as [Buffer];
    expect(head.toString()).toContain('\r\nKeep-Alive: timeout=75\r\n');
    await until(() => timeouts.some((timeout) => timeout > 0));
    expect(Math.min(...timeouts.filter((timeout) => timeout > 0))).toBeGreaterThanOrEqual(75_000);
    client.destroy();
  });

  it('has the request timeout for a body, not the idle timeout', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const { connect, bodies, served: requests } = served({ idle: 30_000, request: 60_000 });
    const client = connect();
    const answer = readAll(client);
    client.write(unfinishedPost());
    await until(() => requests.length === 1);
    jest.advanceTimersByTime(59_000);
    client.write('x\r\n');
    await until(() => bodies.length === 1);
    expect(bodies).toEqual(['halfx']);
    client.destroy();
    await answer.catch(() => undefined);
  });

  it('does not affect others if it breaks', async () => {
    const { endpoint, connect, bodies } = served();
    const [client, server] = streamPair();
    endpoint.handleConnection(server, { address: ip('10.0.0.2'), port: 1 });
    server.destroy(new Error('reset by peer'));
    await closed(client.resume());
    const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    expect(await exchange(connect(), request)).toMatch(/^HTTP\/1\.1 201 /);
    expect(bodies).toHaveLength(1);
  });

  it('is closed when the endpoint closes', async () => {
    const { endpoint, connect } = served();
    const client = connect().resume();
    endpoint.close();
    await closed(client);
  });
});

function unfinishedPost(): string {
  return 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhalf';
}
