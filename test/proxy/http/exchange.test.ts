import { Duplex } from 'node:stream';

import { jest } from '@jest/globals';

import type { Dialer, DialFailure } from '../../../src/proxy/dialer.js';
import { Cleanup, failing, Forwarding, localDialer, until } from '../support/forwarding.js';
import type { Wire } from '../support/wire.js';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const cleanup = new Cleanup();
let forwarding: Forwarding;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
});
afterEach(() => cleanup.run());

/** The bytes that the target gets for a request. */
async function seenByTarget(request: string, added: [string, string][] = []): Promise<string> {
  const { client, server } = await forwarding.answering(OK, { headers: added });
  client.send(request);
  await client.until('ok');
  return server.wires[0]!.received;
}

/** The bytes that the client gets for an answer. */
async function seenByClient(answer: string, request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n') {
  const { client } = await forwarding.answering(answer);
  client.send(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  return { ending: await client.ended(), received: client.received };
}

describe('the request', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'])(
    'keeps the method %s and adds no body',
    async (method) => {
      expect(await seenByTarget(`${method} / HTTP/1.1\r\nHost: x\r\n\r\n`)).toBe(
        `${method} / HTTP/1.1\r\nHost: 100.127.69.42\r\nConnection: close\r\n\r\n`,
      );
    },
  );

  it.each([
    '/',
    '//x',
    '/a/../b/./c',
    '/a%2Fb%3Fc%25%00',
    '/?',
    '/x?a=1&b=%20+&&;=',
    '/x?http://y/?z',
    '/[]{}|^`"<>',
    `/${'a'.repeat(8000)}`,
  ])('keeps the target %#', async (target) => {
    const seen = await seenByTarget(`POST ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(seen.split('\r\n')[0]).toBe(`POST ${target} HTTP/1.1`);
  });

  it('keeps * for OPTIONS', async () => {
    const seen = await seenByTarget('OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(seen).toMatch(/^OPTIONS \* HTTP\/1\.1\r\n/);
  });

  it('keeps order, spelling, number and bytes of the fields', async () => {
    const fields = 'x-B: 1\r\nAccept: */*\r\nX-b: 2\r\nCookie: a=1\r\nCookie: b=2\r\nX-C: \xe9\r\n';
    expect(await seenByTarget(`GET / HTTP/1.1\r\nHost: x\r\n${fields}\r\n`)).toBe(
      `GET / HTTP/1.1\r\nHost: 100.127.69.42\r\n${fields}Connection: close\r\n\r\n`,
    );
  });

  it('keeps more than 2,000 fields', async () => {
    const fields = 'a:b\r\n'.repeat(2500);
    const seen = await seenByTarget(`GET / HTTP/1.1\r\nHost: x\r\n${fields}\r\n`);
    expect(seen.match(/a: b\r\n/g)).toHaveLength(2500);
  });

  it('drops what belongs to one connection', async () => {
    const hops =
      'Connection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n' +
      'Trailer: X\r\nProxy-Connection: close\r\nProxy-Authorization: Basic x\r\nUpgrade: h2c\r\n' +
      'Proxy-Authenticate: x\r\n';
    const seen = await seenByTarget(`GET / HTTP/1.1\r\nHost: x\r\n${hops}X-Kept: 1\r\n\r\n`);
    expect(seen).toBe(
      'GET / HTTP/1.1\r\nHost: 100.127.69.42\r\nX-Kept: 1\r\nTE: trailers\r\n' +
        'Connection: close, TE\r\n\r\n',
    );
  });

  it('keeps Content-Length and the body', async () => {
    const seen = await seenByTarget('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc');
    expect(seen).toBe(
      'POST / HTTP/1.1\r\nHost: 100.127.69.42\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
    );
  });

  it('keeps Content-Length although Connection names it', async () => {
    const seen = await seenByTarget(
      'POST / HTTP/1.1\r\nHost: x\r\nConnection: content-length\r\nContent-Length: 3\r\n\r\nabc',
    );
    expect(seen).toMatch(/Content-Length: 3\r\n[^]*\r\n\r\nabc$/);
  });

  it('sends chunks on as chunks', async () => {
    const { client, server } = await forwarding.answering(OK);
    client.send('PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    client.send('0\r\n\r\n');
    await client.until('ok');
    const [head, body] = server.wires[0]!.received.split('\r\n\r\n');
    expect(head).toMatch(/\r\nTransfer-Encoding: chunked\r\nConnection: close$/);
    expect(body).toMatch(/^3\r\nabc/);
  });

  it('adds the fields of the options in place of the client’s', async () => {
    const added: [string, string][] = [
      ['X-A', 'http://one:2/'],
      ['x-a', 'two'],
      ['Host', 'uni.soracom.io'],
    ];
    const seen = await seenByTarget('GET / HTTP/1.1\r\nHost: x\r\nX-A: 0\r\nX-B: 1\r\n\r\n', added);
    expect(seen).toBe(
      'GET / HTTP/1.1\r\nX-B: 1\r\nX-A: http://one:2/\r\nx-a: two\r\nHost: uni.soracom.io\r\n' +
        'Connection: close\r\n\r\n',
    );
  });

  const EXPECTING =
    'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n';

  it('is asked for its body by the target alone', async () => {
    const server = await forwarding.server(() => undefined);
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send(EXPECTING);
    await until(() => server.wires[0]?.received.includes('\r\n\r\n') === true);
    expect(server.wires[0]!.received).toContain('\r\nExpect: 100-continue\r\n');
    expect(client.received).toBe('');
    server.wires[0]!.send('HTTP/1.1 100 Go On\r\n\r\n');
    expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('a');
    await server.wires[0]!.until(/\r\n\r\na$/);
    server.wires[0]!.send(OK);
    expect(await client.until('ok')).not.toContain('Connection: close');
  });

  it('closes the connection where the target does not ask for the body', async () => {
    const { client } = await forwarding.answering('HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno');
    client.send(EXPECTING);
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 417 [^]*Connection: close\r\n\r\nno$/);
  });

  it('keeps its trailers, and drops those that frame or route', async () => {
    const { client, server } = await forwarding.answering(OK);
    client.send(
      'PUT / HTTP/1.1\r\nHost: x\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    client.send('3\r\nabc\r\n0\r\nX-Sum: 1\r\nHost: y\r\n\r\n');
    await client.until('ok');
    await server.wires[0]!.until(/3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n$/);
    expect(server.wires[0]!.received).toContain('\r\nTrailer: X-Sum\r\n');
  });

  it.each([
    ['two hosts', 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', 400],
    ['no more hops', 'OPTIONS / HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n\r\n', 405],
  ])('is refused with %s', async (_name, request, status) => {
    const server = await forwarding.server(() => undefined);
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send(request);
    expect(await client.until('}}')).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(server.wires).toHaveLength(0);
  });

  it('counts Max-Forwards down', async () => {
    const seen = await seenByTarget('TRACE / HTTP/1.1\r\nHost: x\r\nMax-Forwards: 2\r\n\r\n');
    expect(seen).toContain('\r\nMax-Forwards: 1\r\n');
  });

  it('goes on without an upgrade to h2c, which may be ignored', async () => {
    const seen = await seenByTarget(
      'POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab',
    );
    expect(seen).toMatch(/^POST \/ HTTP\/1\.1\r\n[^]*\r\n\r\nab$/);
    expect(seen).not.toContain('h2c');
  });

  it('is not asked for its body when there is no connection', async () => {
    const forwarder = await forwarding.start(failing('refused'));
    const client = forwarding.client(forwarder);
    client.send('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 502 /);
    expect(client.received).toContain('Connection: close');
  });

  it('arrives before its body is whole', async () => {
    const server = await forwarding.server(() => undefined);
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab');
    await until(() => server.wires[0]?.received.endsWith('ab') === true);
  });

  it.each(['Transfer-Encoding: gzip, chunked'])('is refused: %#', async (field) => {
    const server = await forwarding.server(() => undefined);
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send(`POST / HTTP/1.1\r\nHost: x\r\n${field}\r\n\r\n`);
    expect(await client.until('}}')).toMatch(/^HTTP\/1\.1 501 [^]*"reason":"not-implemented"/);
    expect(server.wires).toHaveLength(0);
  });

  it('is refused with two lengths', async () => {
    const server = await forwarding.server(() => undefined);
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n');
    client.send('Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n');
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(server.wires).toHaveLength(0);
  });
});

describe('the answer', () => {
  it('keeps status, reason phrase, and order, spelling and number of the fields', async () => {
    const head = 'HTTP/1.1 207 Some Of It\r\nSet-Cookie: a\r\nx-A: 1\r\nSet-Cookie: b\r\n';
    const { received } = await seenByClient(`${head}Content-Length: 2\r\n\r\nab`);
    expect(received).toBe(`${head}Content-Length: 2\r\nConnection: close\r\n\r\nab`);
  });

  it('drops what belongs to one connection', async () => {
    const hops = 'Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nTrailer: X\r\n';
    const { received } = await seenByClient(
      `HTTP/1.1 200 OK\r\n${hops}Upgrade: h2c\r\nProxy-Authenticate: x\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(received).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });

  it.each([200, 201, 204, 301, 304, 400, 404, 413, 500, 503, 599])('keeps %i', async (status) => {
    const { received } = await seenByClient(`HTTP/1.1 ${status} X\r\nLocation: /y\r\n\r\n`);
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} X\\r\\nLocation: /y\\r\\n`));
  });

  it.each(['204 No Content', '304 Not Modified'])('has no body with %s', async (status) => {
    const { received } = await seenByClient(`HTTP/1.1 ${status}\r\nETag: "x"\r\n\r\n`);
    expect(received).toBe(`HTTP/1.1 ${status}\r\nETag: "x"\r\nConnection: close\r\n\r\n`);
  });

  it('keeps the bytes of the fields', async () => {
    const { received } = await seenByClient('HTTP/1.1 200 \xe9\r\nX: \xe9\xff\r\n\r\nab');
    expect(received).toMatch(/^HTTP\/1\.1 200 \xe9\r\nX: \xe9\xff\r\n/);
  });

  it('to HEAD keeps its length and has no body', async () => {
    const { received, ending } = await seenByClient(
      'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n',
      'HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n',
    );
    expect(received).toBe('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nConnection: close\r\n\r\n');
    expect(ending).toBe('fin');
  });

  it('without a length goes on in chunks', async () => {
    const { received, ending } = await seenByClient('HTTP/1.0 200 OK\r\n\r\nhello');
    expect(received).toMatch(/Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/);
    expect(ending).toBe('fin');
  });

  it('without a length goes on to an HTTP/1.0 client until the end', async () => {
    const { received, ending } = await seenByClient(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: trailer\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
    );
    expect(received).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
    expect(ending).toBe('fin');
  });

  it('is not decoded', async () => {
    const { received } = await seenByClient(
      'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08',
    );
    expect(received).toContain('Content-Encoding: gzip\r\n');
    expect(received.endsWith('\r\n\r\n\x1f\x8b\x08')).toBe(true);
  });

  const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n';

  it('comes behind the 1xx before it', async () => {
    const { received } = await seenByClient(HINTS + OK);
    expect(received.startsWith(`${HINTS}HTTP/1.1 200 OK\r\n`)).toBe(true);
  });

  it('comes without them to an HTTP/1.0 client', async () => {
    const { received } = await seenByClient(HINTS + OK, 'GET / HTTP/1.0\r\n\r\n');
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('comes behind no more than 32 of them', async () => {
    const { received } = await seenByClient(HINTS.repeat(40) + OK);
    expect(received.match(/HTTP\/1\.1 103/g)).toHaveLength(32);
    expect(received).toMatch(/\r\n\r\nok$/);
  });

  it('keeps its trailers', async () => {
    const { received } = await seenByClient(
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n' +
        '2\r\nok\r\n0\r\nX-Sum: 1\r\nHost: y\r\n\r\n',
    );
    expect(received).toMatch(/\r\nTrailer: X-Sum\r\n[^]*2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n$/);
  });

  it('arrives before its body is whole', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until('\r\n\r\n');
    server.wires[0]!.send('ab');
    await client.until('ab');
    server.wires[0]!.send('cd');
    await client.until('abcd');
  });

  it('may come before the request is whole, and the connection lives on', async () => {
    const server = await forwarding.server(async (wire, index) => {
      await wire.request();
      wire.send(index === 0 ? 'HTTP/1.1 413 Big\r\nContent-Length: 3\r\n\r\nbig' : OK);
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345');
    await client.until('big');
    await server.wires[0]!.ended();
    client.send('67890GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until('ok');
    expect(server.wires[0]!.received).not.toContain('6789');
  });

  it('does not cut off a client that sends on, although its connection will close', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 413 Big\r\nContent-Length: 3\r\n\r\nbig');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send(
      'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5000000\r\n\r\n',
    );
    await client.until('big');
    await new Promise<void>((resolve, reject) => {
      client.socket.write(Buffer.alloc(5_000_000), (error) => (error ? reject(error) : resolve()));
    });
    expect(await client.ended()).toBe('fin');
  });

  it('may have as many fields, and as large ones, as a request', async () => {
    const fields = `${'a: b\r\n'.repeat(2500)}X: ${'x'.repeat(20_000)}\r\n`;
    const { received } = await seenByClient(`HTTP/1.1 200 OK\r\n${fields}\r\n`);
    expect(received.match(/a: b\r\n/g)).toHaveLength(2500);
    const seen = await seenByTarget(`GET / HTTP/1.1\r\nHost: x\r\n${fields}\r\n`);
    expect(seen).toContain(fields);
  });
});

describe('another protocol', () => {
  const ASKING = 'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  const SWITCHING =
    'HTTP/1.1 101 Switching Protocols\r\nX: 1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

  it('goes both ways once the target has switched, and ends by halves', async () => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send(ASKING);
    await until(() => server.wires[0]?.received.includes('\r\n\r\n') === true);
    const target = server.wires[0]!;
    expect(target.received).toMatch(/\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n$/);
    target.send(`${SWITCHING}early`);
    expect(await client.until('early')).toBe(`${SWITCHING}early`);
    client.send('ping');
    await target.until('ping');
    client.socket.end();
    expect(await target.ended()).toBe('fin');
    target.send('last');
    await client.until('last');
    target.socket.end();
    expect(await client.ended()).toBe('fin');
    await until(() => forwarder.counters.active === 0);
  });

  it('is not spoken where the target answers something else', async () => {
    const { client } = await forwarding.answering('HTTP/1.1 426 No\r\nContent-Length: 2\r\n\r\nno');
    client.send(ASKING);
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 426 No\r\n[^]*Connection: close\r\n\r\nno$/);
  });

  it('is refused like any request where there is no connection', async () => {
    const client = forwarding.client(await forwarding.start(failing('refused')));
    client.send(ASKING);
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 502 [^]*"reason":"refused"/);
  });

  it('ends with a reset when the listener closes', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send(SWITCHING);
    });
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send(ASKING);
    await client.until('\r\n\r\n');
    await forwarder.close({ graceMs: 10 });
    expect(await client.ended()).toBe('ECONNRESET');
  });
});

describe('a failure before the answer', () => {
  const STATUS: Record<DialFailure, number> = {
    'no-route': 502,
    'no-handshake': 504,
    refused: 502,
    unreachable: 502,
    timeout: 504,
    closed: 502,
    exhausted: 502,
    'no-such-name': 502,
    'name-unresolved': 504,
  };

  it.each(Object.entries(STATUS))('of the dialer, %s, is %i', async (reason, status) => {
    const forwarder = await forwarding.start(failing(reason as DialFailure));
    const client = forwarding.client(forwarder);
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc');
    const received = await client.until('}}\n');
    const [head, body] = received.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(head).toContain('Content-Type: application/json');
    expect(JSON.parse(body!)).toEqual({
      error: { reason, message: `because ${reason}`, target: '100.127.69.42:80' },
    });
    expect(forwarder.counters).toEqual({ requests: 1, failures: 1, active: 0 });
  });

  it('says when to come back, where nothing was sent', async () => {
    const client = forwarding.client(await forwarding.start(failing('no-handshake')));
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.until('}}')).toContain('\r\nRetry-After: 5\r\n');
  });

  it('has no body for HEAD', async () => {
    const client = forwarding.client(await forwarding.start(failing('refused')));
    client.send('HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 502 [^]*\r\n\r\n$/);
  });

  it('keeps the connection for a next request, behind the rest of the body', async () => {
    const client = forwarding.client(await forwarding.start(failing('refused')));
    client.send('POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc');
    await client.until('}}\n');
    client.send('defPOST /2 HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until(/\}\}\n[^]*\}\}\n/);
  });

  it.each([
    ['no byte', '', 'reset'],
    ['a part of the head', 'HTTP/1.1 200 OK\r\nContent-', 'reset'],
    ['another protocol', 'SSH-2.0-x\r\n', 'bad-answer'],
    [
      'a protocol switch',
      'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'reset',
    ],
    [
      'a foreign coding',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      'bad-answer',
    ],
    ['a status that is none', 'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n', 'bad-answer'],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      'bad-answer',
    ],
    ['too long a head', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 'bad-answer'],
  ])('of a target that sends %s is 502', async (_name, answer, reason) => {
    const { client } = await forwarding.answering(answer);
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.until('}}\n')).toMatch(
      new RegExp(`^HTTP/1\\.1 502 [^]*"reason":"${reason}"`),
    );
  });

  it('of a target that resets is 502', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.socket.resetAndDestroy();
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.until('}}\n')).toMatch(/^HTTP\/1\.1 502 [^]*"reason":"reset"/);
  });

  it('of a stream that is gone when it comes is 502', async () => {
    const server = await forwarding.server(() => undefined);
    const local = localDialer(server.port);
    const dialer: Dialer = {
      async dial(target, signal) {
        const stream = await local.dial(target, signal);
        await new Promise((resolve) => stream.once('close', resolve).destroy());
        return stream;
      },
    };
    const client = forwarding.client(await forwarding.start(dialer));
    client.send('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n');
    await client.ended();
    expect(client.received).toMatch(/^HTTP\/1\.1 502 [^]*"reason":"reset"/);
    expect(client.received).not.toContain('Continue');
  });

  it('of a dialer that throws something else is 502', async () => {
    const dialer: Dialer = { dial: () => Promise.reject(new Error('odd')) };
    const client = forwarding.client(await forwarding.start(dialer));
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.until('}}\n')).toMatch(/^HTTP\/1\.1 502 [^]*"reason":"dial-failed"/);
  });
});

describe('a failure after the head of the answer', () => {
  const HEADS = {
    'with a length': 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart',
    'in chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n',
    'with a broken chunk':
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nnonsense\r\n',
  };
  const VERSIONS = ['1.1', '1.0'];

  it.each(
    Object.entries(HEADS).flatMap(([name, head]) =>
      VERSIONS.map((v): [string, string, string] => [name, v, head]),
    ),
  )('%s resets the connection of a client of HTTP/%s', async (_name, version, head) => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send(head);
    });
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send(`GET / HTTP/${version}\r\nHost: x\r\n\r\n`);
    if (!head.includes('nonsense')) {
      await client.until('part');
      server.wires[0]!.socket.end();
    }
    expect(await client.ended()).toBe('ECONNRESET');
    expect(forwarder.counters).toEqual({ requests: 1, failures: 1, active: 0 });
  });

  it.each(VERSIONS)('that is ended by a reset alone resets HTTP/%s', async (version) => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\n\r\npart');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send(`GET / HTTP/${version}\r\nHost: x\r\n\r\n`);
    await client.until('part');
    server.wires[0]!.socket.resetAndDestroy();
    expect(await client.ended()).toBe('ECONNRESET');
    expect(client.received).not.toMatch(/0\r\n\r\n$/);
  });
});

describe('a stream that is destroyed without an error', () => {
  it.each(['1.1', '1.0'])('in the answer resets the connection of HTTP/%s', async (version) => {
    const stream = new Duplex({
      read: () => undefined,
      write: (_chunk, _encoding, done) => done(),
    });
    const dialer: Dialer = { dial: () => Promise.resolve(stream) };
    const client = forwarding.client(await forwarding.start(dialer));
    client.send(`GET / HTTP/${version}\r\nHost: x\r\n\r\n`);
    stream.push('HTTP/1.1 200 OK\r\n\r\npart');
    await client.until('part');
    stream.destroy();
    expect(await client.ended()).toBe('ECONNRESET');
  });
});

it('a target that answers and resets in the midst of the request is heard', async () => {
  const stream = new Duplex({ read: () => undefined, write: () => undefined });
  const dialer: Dialer = { dial: () => Promise.resolve(stream) };
  const client = forwarding.client(await forwarding.start(dialer));
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc');
  await until(() => stream.writableLength > 0);
  stream.push('HTTP/1.1 413 Big\r\nContent-Length: 3\r\n\r\nbig');
  stream.destroy(new Error('reset'));
  expect(await client.until('big')).toMatch(/^HTTP\/1\.1 413 /);
});

it('a target that resets behind the whole answer takes nothing from a slow client', async () => {
  const size = 40 * 64 * 1024;
  const stream: Duplex = new Duplex({
    highWaterMark: 2 * size,
    read: () => undefined,
    write: (_chunk, _encoding, done) => done(),
  });
  const dialer: Dialer = { dial: () => Promise.resolve(stream) };
  const client = forwarding.client(await forwarding.start(dialer));
  client.send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  client.socket.pause();
  stream.push(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
  stream.push(Buffer.alloc(size));
  await until(() => stream.readableLength === 0);
  stream.destroy(new Error('reset'));
  client.socket.resume();
  expect(await client.ended()).toBe('fin');
  expect(client.received.split('\r\n\r\n')[1]).toHaveLength(size);
});

describe('time', () => {
  it('runs out on a target that is silent: 504', async () => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port), { responseTimeout: 30 });
    const client = forwarding.client(forwarder);
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.until('}}\n')).toMatch(/^HTTP\/1\.1 504 [^]*"reason":"timeout"/);
    await server.wires[0]!.ended();
  });

  it('runs out on a dialer that never settles: 504', async () => {
    let signal: AbortSignal | undefined;
    const dialer: Dialer = {
      dial: (_target, given) => {
        signal = given;
        return new Promise(() => undefined);
      },
    };
    const client = forwarding.client(await forwarding.start(dialer, { responseTimeout: 30 }));
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.until('}}\n')).toMatch(/^HTTP\/1\.1 504 [^]*"reason":"timeout"/);
    expect(signal?.aborted).toBe(true);
  });

  it('runs out on a client that stops in its body: 408, and the connection ends', async () => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port), { idleTimeout: 30 });
    const client = forwarding.client(forwarder);
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc');
    await client.until('}}\n');
    expect(client.received).toMatch(/^HTTP\/1\.1 408 [^]*"reason":"request-timeout"/);
    expect(await client.ended()).toBe('fin');
    await server.wires[0]!.ended();
  });

  it('runs out on an answer that stops: the connection is reset', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart');
    });
    const forwarder = await forwarding.start(localDialer(server.port), { idleTimeout: 30 });
    const client = forwarding.client(forwarder);
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.ended()).toBe('ECONNRESET');
    await server.wires[0]!.ended();
  });
});

describe('the default limits', () => {
  // The exchange's own timers stand still; sockets do not know of it.
  beforeEach(() =>
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }),
  );
  afterEach(() => jest.useRealTimers());

  async function isUnanswered(client: Wire): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(client.ending).toBeUndefined();
    expect(client.received).not.toContain('HTTP/1.1 5');
    expect(client.received).not.toContain('HTTP/1.1 4');
  }

  it('are 60 s for an answer, and 120 s for more of the request', async () => {
    const server = await forwarding.server(() => undefined);
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc');
    await until(() => server.wires[0]?.received.endsWith('abc') === true);
    jest.advanceTimersByTime(119_999);
    await isUnanswered(client);
    client.send('def');
    await until(() => server.wires[0]?.received.endsWith('abcdef') === true);
    jest.advanceTimersByTime(59_999);
    await isUnanswered(client);
    jest.advanceTimersByTime(1);
    expect(await client.until('}}')).toMatch(/^HTTP\/1\.1 504 /);
  });

  it('are 120 s between two parts of an answer', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until('abc');
    jest.advanceTimersByTime(119_999);
    await isUnanswered(client);
    server.wires[0]!.send('def');
    await client.until('abcdef');
    jest.advanceTimersByTime(119_999);
    await isUnanswered(client);
    jest.advanceTimersByTime(1);
    expect(await client.ended()).toBe('ECONNRESET');
  });
});

describe('a client that goes away', () => {
  it.each(['fin', 'reset'])('by %s ends the exchange with the target', async (way) => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => server.wires[0]?.received.includes('\r\n\r\n') === true);
    if (way === 'fin') client.socket.end();
    else client.socket.resetAndDestroy();
    await server.wires[0]!.ended();
    await until(() => forwarder.counters.active === 0);
    expect(forwarder.counters).toEqual({ requests: 1, failures: 0, active: 0 });
  });

  it('in its body does not let the request look whole', async () => {
    const server = await forwarding.server(() => undefined);
    const forwarder = await forwarding.start(localDialer(server.port));
    const client = forwarding.client(forwarder);
    client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    await until(() => server.wires[0]?.received.includes('abc') === true);
    client.socket.destroy();
    await server.wires[0]!.ended();
    expect(server.wires[0]!.received).not.toMatch(/0\r\n\r\n$/);
    expect(forwarder.counters).toEqual({ requests: 1, failures: 0, active: 0 });
  });

  it('in the answer ends the exchange with the target', async () => {
    const server = await forwarding.server(async (wire) => {
      await wire.request();
      wire.send('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart');
    });
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await client.until('part');
    client.socket.destroy();
    await server.wires[0]!.ended();
  });

  it('during the dial ends it, and a stream that comes too late is destroyed', async () => {
    const server = await forwarding.server(() => undefined);
    const local = localDialer(server.port);
    let settle = (): void => undefined;
    let signal: AbortSignal | undefined;
    const dialer: Dialer = {
      async dial(target, given) {
        signal = given;
        await new Promise<void>((resolve) => (settle = resolve));
        return local.dial(target);
      },
    };
    const client = forwarding.client(await forwarding.start(dialer));
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => signal !== undefined);
    client.socket.destroy();
    await until(() => signal?.aborted === true);
    settle();
    await until(() => server.wires[0]?.ending !== undefined);
    expect(server.wires[0]!.received).toBe('');
  });
});
