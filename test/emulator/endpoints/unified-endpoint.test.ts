import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

import { unifiedHttpEndpoint } from '../../../src/emulator/endpoints/unified-endpoint.js';
import { KEPT_BODY_BYTES, MessageStore } from '../../../src/emulator/messages.js';
import { FakeWallClock, ip, readAll, streamPair, twoSims } from '../fakes.js';

function unified() {
  const messages = new MessageStore();
  const { sims, simIds } = twoSims();
  const endpoint = unifiedHttpEndpoint({ sims, messages, wallClock: new FakeWallClock() });
  const connect = (from = '10.0.0.2'): Duplex => {
    const [client, server] = streamPair();
    endpoint.handleConnection(server, { address: ip(from), port: 40_000 });
    return client;
  };
  return { messages, simIds, connect };
}

/** The streams need only this long: nothing here waits for a timer or for the system. */
async function turns(): Promise<void> {
  for (let count = 0; count < 10; count++) await turn();
}

/** One request on a new connection, answered and closed. */
async function exchange(client: Duplex, ...parts: (string | Uint8Array)[]): Promise<string> {
  for (const part of parts) client.write(part);
  return readAll(client);
}

describe('a request', () => {
  it('is answered 201 without a body', async () => {
    const { connect } = unified();
    const answer = await exchange(
      connect(),
      'POST / HTTP/1.1\r\nHost: uni.soracom.io\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
    expect(answer).toContain('\r\nContent-Length: 0\r\n');
    expect(answer).toMatch(/\r\n\r\n$/);
  });

  it.each([0, 8, 100_000])('for /bytes/%d is answered with that many bytes', async (length) => {
    const { connect } = unified();
    const answer = await exchange(connect(), `GET /bytes/${length} HTTP/1.0\r\n\r\n`);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).toContain(`Content-Length: ${length}`);
    expect(body).toHaveLength(length);
  });

  it.each(['POST /bytes/8', 'GET /bytes/8?a=b', 'GET /bytes/1234567890', 'GET /bytes/-1'])(
    'is answered as any other unless it is a GET for at most a billion bytes: %s',
    async (line) => {
      const { connect } = unified();
      const answer = await exchange(connect(), `${line} HTTP/1.0\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
    },
  );

  it('is recorded completely', async () => {
    const { connect, messages, simIds } = unified();
    await exchange(
      connect(),
      'PUT /a/b?c=d HTTP/1.1\r\nHost: uni.soracom.io\r\nX-Device: one\r\n',
      'Content-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhe',
      'llo',
    );
    expect(messages.all()).toEqual([
      {
        protocol: 'http',
        simId: simIds[0],
        at: '2026-01-02T03:04:05.000Z',
        method: 'PUT',
        path: '/a/b?c=d',
        headers: {
          host: 'uni.soracom.io',
          'x-device': 'one',
          'content-type': 'text/plain',
          'content-length': '5',
          connection: 'close',
        },
        body: 'hello',
        bodyEncoding: 'utf8',
        bytes: 5,
        truncated: false,
      },
    ]);
  });

  it.each(['GET', 'DELETE', 'PATCH', 'OPTIONS'])('may have the method %s', async (method) => {
    const { connect, messages } = unified();
    const answer = await exchange(
      connect(),
      `${method} /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 201 /);
    expect(messages.all()).toMatchObject([{ method, path: '/x', body: '', bytes: 0 }]);
  });

  it('belongs to the SIM that has the source address', async () => {
    const { connect, messages, simIds } = unified();
    const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    await exchange(connect('10.0.0.3'), request);
    await exchange(connect('10.0.0.2'), request);
    expect(messages.all().map(({ simId }) => simId)).toEqual([simIds[1], simIds[0]]);
  });

  it('may be one of several on a connection', async () => {
    const { connect, messages } = unified();
    const client = connect();
    const answers = readAll(client);
    client.write('POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxPOST /2 HTTP/1.1\r\n');
    await turns();
    client.write('Host: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\ny');
    expect((await answers).match(/HTTP\/1\.1 201 Created/g)).toHaveLength(2);
    expect(messages.all()).toMatchObject([
      { path: '/1', body: 'x' },
      { path: '/2', body: 'y' },
    ]);
  });

  it('may be the last that the client sends before it closes its side', async () => {
    const { connect, messages } = unified();
    const client = connect();
    client.end('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi');
    expect(await readAll(client)).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
    expect(messages.all()).toMatchObject([{ body: 'hi' }]);
  });

  it('may use chunked encoding', async () => {
    const { connect, messages } = unified();
    const head =
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';
    await exchange(connect(), head, '3\r\nabc\r\n', '2\r\nde\r\n', '0\r\n\r\n');
    expect(messages.all()).toMatchObject([{ body: 'abcde', bytes: 5, truncated: false }]);
  });

  it('may have a body of any bytes', async () => {
    const { connect, messages } = unified();
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\n';
    await exchange(connect(), head, Uint8Array.of(0, 0xff, 0x80));
    expect(messages.all()).toMatchObject([{ body: 'AP+A', bodyEncoding: 'base64', bytes: 3 }]);
  });

  it.each(['Content-Length', 'Transfer-Encoding'])(
    'may be larger than the part of it that is stored (%s)',
    async (framing) => {
      const { connect, messages } = unified();
      const bytes = 3 * KEPT_BODY_BYTES + 17;
      const chunked = framing === 'Transfer-Encoding';
      const head = `POST / HTTP/1.1\r\nHost: a\r\n${framing}: ${chunked ? 'chunked' : bytes}\r\n`;
      const body = 'x'.repeat(bytes);
      const framed = chunked ? `${bytes.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
      const answer = await exchange(connect(), `${head}Connection: close\r\n\r\n`, framed);
      expect(answer).toMatch(/^HTTP\/1\.1 201 /);
      expect(messages.all()).toMatchObject([{ bytes, truncated: true, bodyEncoding: 'utf8' }]);
      expect(messages.all()[0]!.body).toBe('x'.repeat(KEPT_BODY_BYTES));
    },
  );

  it('is not recorded if its body never ends', async () => {
    const { connect, messages } = unified();
    const client = connect();
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf');
    await turn();
    client.destroy();
    await turns();
    expect(messages.all()).toEqual([]);
  });
});
