import { connect, Socket } from 'node:net';

import { jest } from '@jest/globals';

import type { ForwarderOptions } from '../../../src/proxy/forward/forwarder.js';
import { HEADERS_TIMEOUT } from '../../../src/proxy/http/limits.js';
import { Cleanup, failing, Forwarding, localDialer, OK, until } from '../support/forwarding.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
});
afterEach(() => cleanup.run());

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** A request that the reader leaves to Node, because of TE. */
const FOR_NODE = GET.replace('\r\n\r\n', '\r\nTE: x\r\n\r\n');

describe('listening', () => {
  it('reports the address, with the assigned port', async () => {
    const forwarder = await forwarding.start(failing('refused'));
    expect(forwarder.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  });

  it('closes the connection that was idle for longest when a new one arrives', async () => {
    const forwarder = await forwarding.start(failing('refused'), { maxConnections: 3 });
    const [first, second, silent] = [1, 2, 3].map(() => forwarding.client(forwarder));
    for (const client of [second!, first!]) {
      client.send(GET);
      await client.until('}}');
    }
    const ends: string[] = [];
    const note = (name: string) => () => void ends.push(name);
    void silent!.ended().then(note('silent'));
    void second!.ended().then(note('second'));
    for (const ended of [silent!, second!]) {
      const another = forwarding.client(forwarder);
      another.send(GET);
      await another.until('}}');
      await ended.ended();
    }
    expect(ends).toEqual(['silent', 'second']);
    first!.send(GET);
    await first!.until(/\}\}[^]*\}\}/);
  });

  it('keeps connections that wait for an answer, and refuses a new one if all of them do', async () => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port), { maxConnections: 1 });
    const busy = forwarding.client(forwarder);
    busy.send(GET);
    await until(() => server.wires[0]?.received.includes('\r\n\r\n') === true);
    for (let count = 0; count < 20; count++) await forwarding.client(forwarder).ended();
    server.wires[0]!.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await busy.until('\r\n\r\nok');
    const tooMany = forwarding.lines.filter(({ message }) => message.includes('too many'));
    expect(tooMany).toMatchObject([
      { message: 'too many connections: a new connection was closed' },
    ]);
  });

  it('answers a client while another one keeps opening idle connections', async () => {
    const forwarder = await forwarding.start(failing('refused'), { maxConnections: 16 });
    const { hostname, port } = new URL(forwarder.url);
    const held = Array.from({ length: 200 }, () => connect(Number(port), hostname));
    for (const socket of held) socket.on('error', () => undefined);
    const client = forwarding.client(forwarder);
    client.send(GET);
    await client.until('}}');
    for (const socket of held) socket.destroy();
    expect(forwarding.lines.filter(({ message }) => message.includes('too many'))).toHaveLength(1);
  });
});

describe('a connection without a request', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('is closed with 408 after the time limit for a head', async () => {
    const forwarder = await forwarding.start(failing('refused'));
    const setTimeout = jest.spyOn(Socket.prototype, 'setTimeout');
    setTimeout.mockImplementationOnce(function (this: Socket, timeout) {
      expect(timeout).toBe(HEADERS_TIMEOUT);
      return this.setTimeout(20);
    });
    const client = forwarding.client(forwarder);
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 408 [^]*"reason":"request-timeout"/);
    expect(forwarder.counters).toMatchObject({ requests: 0, failures: 1 });
  });
});

describe('CONNECT', () => {
  it('is refused with 405', async () => {
    const forwarder = await forwarding.start(failing('refused'));
    const client = forwarding.client(forwarder);
    client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 405 [^]*"reason":"method-not-allowed"/);
    expect(forwarder.counters.failures).toBe(1);
  });

  /** Sends a request, and CONNECT in the middle of its response. */
  async function withLateConnect(request: string) {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npart');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send(request);
    await client.until('part');
    client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    return { client, wire: server.wires[0]! };
  }

  it('is refused after the response to the request before it', async () => {
    const { client, wire } = await withLateConnect(GET);
    wire.send('rest');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/\r\n\r\npartrestHTTP\/1\.1 405 /);
  });

  it('resets the connection in the middle of an answer to a request that Node reads', async () => {
    const { client, wire } = await withLateConnect(FOR_NODE);
    expect(await client.ended()).toBe('ECONNRESET');
    expect(client.received).toMatch(/part$/);
    await wire.ended();
  });
});

describe('a request of another version than HTTP/1', () => {
  it.each([
    ['GET /\r\n\r\n', 400],
    ['GET / HTTP/0.9\r\nHost: localhost\r\n\r\n', 400],
    ['GET / HTTP/2.0\r\nHost: localhost\r\n\r\n', 505],
  ])('%j is answered with %i, and the connection ends', async (head, status) => {
    const { server, client } = await forwarding.answering(OK);
    client.send(head);
    await client.ended();
    expect(client.received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*Connection: close`));
    expect(server.wires).toHaveLength(0);
  });
});

describe('a web page', () => {
  const FORM = 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n';
  const APP = { hosts: [], origins: ['https://app.example'] };
  const ORIGIN = 'Origin: https://app.example\r\n';
  const END = 'Connection: close\r\n\r\nhi';

  async function answerTo(head: string, options: Partial<ForwarderOptions> = {}) {
    const { server, client, forwarder } = await forwarding.answering(OK, options);
    client.send(head + END);
    await client.ended();
    const dialled = server.wires.length;
    return { dialled, received: client.received, failures: forwarder.counters.failures };
  }

  it.each([
    ['a form', FORM, 403, 'foreign-origin'],
    ['a rebound name', FORM.replace('localhost', 'evil.example'), 421, 'foreign-host'],
  ])('does not dial for %s', async (_, head, status, reason) => {
    const { dialled, received, failures } = await answerTo(
      `${head}Origin: https://evil.example\r\n`,
    );
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*"reason":"${reason}"`));
    expect([dialled, failures]).toEqual([0, 1]);
  });

  it('may use the name of the listener, of the target, or an allowed one', async () => {
    const options: Partial<ForwarderOptions> = {
      listen: { host: 'localhost', port: 0 },
      headers: [['Host', 'Target.example:81']],
      browsers: { hosts: ['arctun'], origins: [] },
    };
    for (const host of ['target.example', 'TARGET.example:8888', 'arctun', 'uni.soracom.io']) {
      const { received } = await answerTo(FORM.replace('localhost', host), options);
      expect(received).toMatch(/ok$/);
    }
  });

  it('of an allowed origin may send, and read the answer', async () => {
    const { dialled, received } = await answerTo(FORM + ORIGIN, { browsers: APP });
    expect(dialled).toBe(1);
    expect(received).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[^]*Access-Control-Allow-Origin: https:\/\/app\.example\r\nVary: Origin\r\n[^]*ok$/,
    );
  });

  it('of an allowed origin may read why no answer is available', async () => {
    const forwarder = await forwarding.start(failing('refused'), { browsers: APP });
    const client = forwarding.client(forwarder);
    client.send(FORM + ORIGIN + END);
    await client.ended();
    expect(client.received).toMatch(/ 502 [^]*Access-Control-Allow-Origin: https:\/\/app\.example/);
  });

  it('receives the CORS headers of the target', async () => {
    const answer = OK.replace('\r\n\r\n', '\r\nAccess-Control-Allow-Origin: *\r\n\r\n');
    const { client } = await forwarding.answering(answer, { browsers: APP });
    client.send(FORM + ORIGIN + END);
    await client.ended();
    expect(client.received.match(/access-control-allow-origin/gi)).toHaveLength(1);
  });

  it('of an allowed origin has its preflights answered instead of forwarded', async () => {
    const preflight =
      'OPTIONS / HTTP/1.1\r\nHost: localhost\r\nAccess-Control-Request-Method: PUT\r\n' +
      'Access-Control-Request-Headers: x-device\r\n';
    const { client, server, forwarder } = await forwarding.answering(OK, { browsers: APP });
    client.send(`${preflight}${ORIGIN}\r\n`);
    await client.until('\r\n\r\n');
    expect(client.received).toMatch(
      /^HTTP\/1\.1 204 [^]*Allow-Methods: PUT\r\nAccess-Control-Allow-Headers: x-device\r\n/,
    );
    expect([server.wires.length, forwarder.counters.failures]).toEqual([0, 0]);
    // The connection stays open.
    client.send(FORM + ORIGIN + END);
    await client.ended();
    expect(client.received).toMatch(/ok$/);
  });
});

describe('close', () => {
  async function withRunning(request = GET) {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send(request);
    await until(() => server.wires[0]?.received.includes('\r\n\r\n') === true);
    return { server, forwarder, client };
  }

  it('lets a running exchange finish, and then closes its connection', async () => {
    const { server, forwarder, client } = await withRunning();
    const silent = forwarding.client(forwarder);
    const idle = forwarding.client(forwarder);
    idle.send('OPTIONS / HTTP/1.1\r\nHost: localhost\r\nMax-Forwards: 0\r\n\r\n');
    await idle.until('}}');
    const closed = forwarder.close({ graceMs: 600_000 });
    server.wires[0]!.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/Connection: close\r\n\r\nok$/);
    await idle.ended();
    await silent.ended();
    await closed;
  });

  it('accepts no more connections', async () => {
    const { forwarder } = await withRunning();
    void forwarder.close({ graceMs: 600_000 });
    expect(await forwarding.client(forwarder).ended()).toBe('ECONNREFUSED');
  });

  it('does not start waiting requests', async () => {
    const { server, forwarder, client } = await withRunning(FOR_NODE);
    client.send(GET);
    await until(() => forwarder.counters.requests === 2);
    const closed = forwarder.close({ graceMs: 600_000 });
    server.wires[0]!.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await closed;
    await client.ended();
    expect(server.wires).toHaveLength(1);
    expect(client.received).toMatch(/\r\n\r\nok$/);
  });

  it('does not read a request that waits for a response which has begun', async () => {
    const { server, forwarder, client } = await withRunning();
    server.wires[0]!.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
    await client.until('ab');
    client.send(GET);
    // The client's next connection is accepted after its bytes have arrived.
    const later = forwarding.client(forwarder);
    later.send('CONNECT / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await later.ended();
    later.socket.destroy();
    const { requests } = forwarder.counters;
    const closed = forwarder.close({ graceMs: 600_000 });
    server.wires[0]!.send('cd');
    await closed;
    await client.ended();
    expect(forwarder.counters.requests).toBe(requests);
    expect(client.received).toMatch(/\r\n\r\nabcd$/);
  });

  it.each([
    [undefined, 'Connection: keep-alive\r\nKeep-Alive: timeout=65\r\n\r\n'],
    [0, 'Connection: keep-alive\r\n\r\n'],
  ])('tells the client its idle timeout of %p', async (keepAliveTimeout, fields) => {
    const options = keepAliveTimeout === undefined ? {} : { keepAliveTimeout };
    const client = forwarding.client(await forwarding.start(failing('refused'), options));
    client.send(GET);
    expect(await client.until('}}')).toContain(fields);
  });

  it.each([
    ['a request', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a request that Node reads', FOR_NODE],
  ])('ends connections that are idle after %s', async (_, request) => {
    const { server, forwarder, client } = await withRunning(request);
    server.wires[0]!.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await client.until('ok');
    await forwarder.close({ graceMs: 600_000 });
    await client.ended();
  });

  it('answers pending requests with 502 after the grace period', async () => {
    const { server, forwarder, client } = await withRunning();
    await forwarder.close({ graceMs: 20 });
    await client.ended();
    expect(client.received).toMatch(/^HTTP\/1\.1 502 [^]*"reason":"closed"/);
    await server.wires[0]!.ended();
  });

  it('resets connections in the middle of an answer after the grace period', async () => {
    const { server, forwarder, client } = await withRunning();
    server.wires[0]!.send('HTTP/1.1 200 OK\r\n\r\npart');
    await client.until('part');
    await forwarder.close({ graceMs: 0 });
    expect(await client.ended()).toBe('ECONNRESET');
  });

  it('does not wait for the rest of a request after the grace period', async () => {
    const forwarder = await forwarding.start(failing('refused'));
    const client = forwarding.client(forwarder);
    client.send(`${GET}GET / HT`);
    await client.until('}}');
    await forwarder.close({ graceMs: 20 });
    await client.ended();
  });
});
