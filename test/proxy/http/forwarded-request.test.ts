import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

import { ForwardedRequest } from '../../../src/proxy/http/forwarded-request.js';
import { Cleanup, failing, Forwarding, localDialer, OK, until } from '../support/forwarding.js';

const cleanup = new Cleanup();
let forwarding: Forwarding;
beforeEach(() => {
  forwarding = new Forwarding(cleanup);
});
afterEach(() => cleanup.run());

describe('the request', () => {
  it.each(['GET', 'POST', 'QUERY'])('keeps the method %s and adds no body', async (method) => {
    expect(await forwarding.seenByTarget(`${method} / HTTP/1.1\r\nHost: localhost\r\n\r\n`)).toBe(
      `${method} / HTTP/1.1\r\nHost: 100.127.69.42\r\nConnection: close\r\n\r\n`,
    );
  });

  it.each([
    '/',
    '//x',
    '/a/../b/./c',
    '/a%2Fb%3Fc%25%00',
    '/x?a=1&b=%20+&&;=',
    '/[]{}|^`"<>',
    `/${'a'.repeat(8000)}`,
  ])('keeps the target %#', async (target) => {
    const seen = await forwarding.seenByTarget(
      `POST ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    );
    expect(seen.split('\r\n')[0]).toBe(`POST ${target} HTTP/1.1`);
  });

  it('keeps * for OPTIONS', async () => {
    const seen = await forwarding.seenByTarget('OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(seen).toMatch(/^OPTIONS \* HTTP\/1\.1\r\n/);
  });

  it('keeps the order, spelling, number and bytes of the fields', async () => {
    const fields = 'x-B: 1\r\nAccept: */*\r\nX-b: 2\r\nCookie: a=1\r\nCookie: b=2\r\nX-C: \xe9\r\n';
    expect(
      await forwarding.seenByTarget(`GET / HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`),
    ).toBe(`GET / HTTP/1.1\r\nHost: 100.127.69.42\r\n${fields}Connection: close\r\n\r\n`);
  });

  it('keeps more than 2,000 fields', async () => {
    const fields = 'a:b\r\n'.repeat(2500);
    const seen = await forwarding.seenByTarget(
      `GET / HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`,
    );
    expect(seen.match(/a: b\r\n/g)).toHaveLength(2500);
  });

  it('drops connection-specific fields', async () => {
    const hops =
      'Connection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n' +
      'Trailer: X\r\nProxy-Connection: close\r\nProxy-Authorization: Basic x\r\nUpgrade: h2c\r\n' +
      'Proxy-Authenticate: x\r\n';
    const seen = await forwarding.seenByTarget(
      `GET / HTTP/1.1\r\nHost: localhost\r\n${hops}X-Kept: 1\r\n\r\n`,
    );
    expect(seen).toBe(
      'GET / HTTP/1.1\r\nHost: 100.127.69.42\r\nX-Kept: 1\r\nTE: trailers\r\n' +
        'Connection: close, TE\r\n\r\n',
    );
  });

  it('keeps Content-Length and the body', async () => {
    const seen = await forwarding.seenByTarget(
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc',
    );
    expect(seen).toBe(
      'POST / HTTP/1.1\r\nHost: 100.127.69.42\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc',
    );
  });

  it('forwards chunks as chunks', async () => {
    const { client, server } = await forwarding.answering(OK);
    client.send(
      'PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
    );
    client.send('0\r\n\r\n');
    await client.until('ok');
    const [head, body] = server.wires[0]!.received.split('\r\n\r\n');
    expect(head).toMatch(/\r\nTransfer-Encoding: chunked\r\nConnection: close$/);
    expect(body).toMatch(/^3\r\nabc/);
  });

  it('replaces the client’s fields with those of the options', async () => {
    const added: [string, string][] = [
      ['X-A', 'http://one:2/'],
      ['x-a', 'two'],
      ['Host', 'uni.soracom.io'],
    ];
    const seen = await forwarding.seenByTarget(
      'GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 0\r\nX-B: 1\r\n\r\n',
      added,
    );
    expect(seen).toBe(
      'GET / HTTP/1.1\r\nX-B: 1\r\nX-A: http://one:2/\r\nx-a: two\r\nHost: uni.soracom.io\r\n' +
        'Connection: close\r\n\r\n',
    );
  });

  const EXPECTING =
    'POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n';

  it('has its body requested only by the target', async () => {
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

  it('closes the connection if the target does not ask for the body', async () => {
    const { client } = await forwarding.answering('HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno');
    client.send(EXPECTING);
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 417 [^]*Connection: close\r\n\r\nno$/);
  });

  it('keeps its trailers, except those for framing or routing', async () => {
    const { client, server } = await forwarding.answering(OK);
    client.send(
      'PUT / HTTP/1.1\r\nHost: localhost\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    client.send('3\r\nabc\r\n0\r\nX-Sum: 1\r\nHost: y\r\n\r\n');
    await client.until('ok');
    await server.wires[0]!.until(/3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n$/);
    expect(server.wires[0]!.received).toContain('\r\nTrailer: X-Sum\r\n');
  });

  it('offers each protocol of an upgrade except h2c (RFC 9113 3.1)', async () => {
    const seen = await forwarding.seenByTarget(
      'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n' +
        'Upgrade: websocket, H2C ,x/1\r\nHTTP2-Settings: AAMA\r\n\r\n',
    );
    expect(seen).toBe(
      'GET / HTTP/1.1\r\nHost: 100.127.69.42\r\nUpgrade: websocket, x/1\r\nConnection: Upgrade\r\n\r\n',
    );
  });

  it('is forwarded without an upgrade to h2c, which may be ignored', async () => {
    const seen = await forwarding.seenByTarget(
      'POST / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab',
    );
    expect(seen).toMatch(/^POST \/ HTTP\/1\.1\r\n[^]*\r\n\r\nab$/);
    expect(seen).not.toContain('h2c');
  });

  it('does not have its body requested if the connection fails', async () => {
    const forwarder = await forwarding.start(failing('refused'));
    const client = forwarding.client(forwarder);
    client.send(
      'POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n',
    );
    expect(await client.ended()).toBe('fin');
    expect(client.received).toMatch(/^HTTP\/1\.1 502 /);
    expect(client.received).toContain('Connection: close');
  });

  it('arrives before its body is complete', async () => {
    const server = await forwarding.server(() => undefined);
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nab');
    await until(() => server.wires[0]?.received.endsWith('ab') === true);
  });
});

it('contains all parts of a body that arrive before the connection is open', () => {
  const request = Object.assign(new IncomingMessage(new Socket()), {
    headers: { 'content-length': '6' },
  });
  const events = { onProgress: () => undefined, onWhole: () => undefined };
  const message = { request, response: new ServerResponse(request) };
  const forwarded = new ForwardedRequest(
    { ...message, expectsContinue: false, upgrades: false },
    events,
  );
  forwarded.read();
  for (const part of ['ab', 'cd', 'ef']) request.emit('data', Buffer.from(part));
  expect(forwarded.bytes('head ').toString()).toBe('head abcdef');
});
