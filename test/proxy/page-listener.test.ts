import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';

import { CLOSED_TO_PAGES } from '../../src/proxy/http/browser-check.js';
import {
  type Page,
  type PageListener,
  startPageListener,
  type Stream,
} from '../../src/proxy/page-listener.js';

let listener: PageListener | undefined;
const lines: string[] = [];
const log = {
  error: (_: object, message: string) => void lines.push(message),
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};

beforeEach(() => {
  lines.length = 0;
});
afterEach(() => listener?.close());

const stream: Stream = ({ method }, response) => {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  if (method === 'HEAD') response.end();
  else response.write('first\n');
};

async function start(
  page: () => Promise<Page> = () =>
    Promise.resolve({ status: 203, contentType: 'text/x', body: 'é\n' }),
  browsers = CLOSED_TO_PAGES,
): Promise<URL> {
  const pages = new Map([
    ['/page', page],
    ['/other', page],
  ]);
  const listen = { host: '127.0.0.1', port: 0 };
  const streams = new Map([['/stream', stream]]);
  listener = await startPageListener({ listen, flag: '--flag', pages, streams, browsers, log });
  return new URL(listener.url);
}

async function ask(url: URL, path: string, method = 'GET') {
  const asked = request({ host: url.hostname, port: url.port, path, method }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let body = '';
  response.setEncoding('utf8');
  for await (const part of response) body += part as string;
  return { status: response.statusCode, headers: response.headers, body };
}

it('serves a page, whatever query follows its path', async () => {
  const url = await start();
  expect(url.href).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/$/);
  const { status, headers, body } = await ask(url, '/page?x=/other');
  expect([status, body]).toEqual([203, 'é\n']);
  expect(headers).toMatchObject({
    'content-type': 'text/x',
    'content-length': '3',
    'cache-control': 'no-store',
  });
});

it('omits the body for HEAD', async () => {
  const { status, headers, body } = await ask(await start(), '/page', 'HEAD');
  expect([status, headers['content-length'], body]).toEqual([203, '3', '']);
});

it('refuses a web page, and a foreign host name', async () => {
  const url = await start();
  const status = async (headers: Record<string, string>) => {
    const asked = request({ host: url.hostname, port: url.port, path: '/page', headers }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    return response.statusCode;
  };
  expect(await status({ Origin: 'https://evil.example' })).toBe(403);
  expect(await status({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
  expect(await status({ Host: 'evil.example' })).toBe(421);
  // At a non-loopback address, the address bar sends nothing about the page.
  expect(await status({ 'User-Agent': 'Mozilla/5.0', 'Accept-Language': 'en' })).toBe(203);
});

it('serves names and pages that the user allows', async () => {
  const url = await start(undefined, { hosts: ['arctun'], origins: ['https://app.example'] });
  const headers = { Host: `arctun:${url.port}`, Origin: 'https://app.example' };
  const asked = request({ host: url.hostname, port: url.port, path: '/page', headers }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(203);
  expect(response.headers['access-control-allow-origin']).toBe('https://app.example');
});

it.each(['POST', 'OPTIONS'])('refuses %s with 405', async (method) => {
  const { status, headers } = await ask(await start(), '/page', method);
  expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
});

it.each(['/', '/pages', '*'])('answers 404 for %s', async (path) => {
  const { status, body } = await ask(await start(), path);
  expect([status, body]).toEqual([404, 'not found; available paths: /page, /other, /stream\n']);
});

it('logs why a page cannot be generated, but does not show it to the client', async () => {
  const { status, body } = await ask(
    await start(() => Promise.reject(new Error('secret'))),
    '/page',
  );
  expect([status, body]).toEqual([500, 'cannot create this page\n']);
  expect(lines).toEqual(['cannot create the page /page']);
});

it('refuses long request headers', async () => {
  const url = await start();
  const socket = connect(Number(url.port), url.hostname);
  socket.on('error', () => undefined);
  socket.write(`GET /page HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(8 * 1024)}\r\n\r\n`);
  const [answer] = (await once(socket.setEncoding('utf8'), 'data')) as [string];
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  socket.destroy();
});

it('closes at once, even while an answer is pending', async () => {
  let isAsked: (() => void) | undefined;
  const asked = new Promise<void>((resolve) => (isAsked = resolve));
  const url = await start(() => {
    isAsked?.();
    return new Promise(() => undefined);
  });
  const answer = ask(url, '/page');
  await asked;
  await Promise.all([
    listener!.close(),
    expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' }),
  ]);
});

it('answers a probe while another client has many open connections', async () => {
  const url = await start();
  const held = Array.from({ length: 80 }, () => {
    const socket = connect(Number(url.port), url.hostname);
    socket.on('error', () => undefined);
    socket.resume().write('GET / HTTP/1.1\r\n');
    return socket;
  });
  const first = new Promise((resolve) => held[0]!.on('close', resolve));
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  expect((await ask(url, '/page')).status).toBe(203);
  await first;
  // The last of them are still open.
  expect(held.at(-1)!.destroyed).toBe(false);
  for (const socket of held) socket.destroy();
});

it('does not interrupt an answer because of an idle connection', async () => {
  let answer: ((page: Page) => void) | undefined;
  const url = await start(() => new Promise((resolve) => (answer = resolve)));
  const asked = ask(url, '/page');
  while (answer === undefined) await new Promise(setImmediate);
  const held = Array.from({ length: 80 }, () => {
    const socket = connect(Number(url.port), url.hostname);
    socket.on('error', () => undefined);
    return once(socket, 'connect').then(() => socket);
  });
  const sockets = await Promise.all(held);
  answer({ status: 200, contentType: 'text/x', body: 'here' });
  expect(await asked).toMatchObject({ status: 200, body: 'here' });
  for (const socket of sockets) socket.destroy();
});

it('lets a stream answer GET and HEAD, for as long as it wants', async () => {
  const url = await start();
  expect(await ask(url, '/stream', 'HEAD')).toMatchObject({ status: 200, body: '' });
  const asked = request({ host: url.hostname, port: url.port, path: '/stream?x' }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  const [first] = (await once(response, 'data')) as [Buffer];
  expect(first.toString()).toBe('first\n');
  const closed = new Promise((resolve) => response.once('close', resolve));
  await listener!.close();
  await closed;
});

it('refuses other methods and foreign pages for a stream, too', async () => {
  const url = await start();
  expect(await ask(url, '/stream', 'POST')).toMatchObject({
    status: 405,
    headers: { allow: 'GET, HEAD' },
  });
  const headers = { Host: 'evil.example' };
  const asked = request({ host: url.hostname, port: url.port, path: '/stream', headers }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(421);
});
