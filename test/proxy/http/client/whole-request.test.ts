import { createServer } from 'node:http';
import { Duplex } from 'node:stream';
import { Socket } from 'node:net';

import {
  MAX_WHOLE_BODY,
  WholeRequest,
  WholeRequestParser,
} from '../../../../src/proxy/http/client/whole-request.js';
import { Random } from '../../../sim/random.js';
import { atLength } from '../../../support/runner/tier.js';

const COUNT = atLength({ short: 1_000, long: 20_000 });

const socket = new Socket();

function read(text: string): WholeRequest | 'part' | 'for-node' {
  return new WholeRequestParser(socket).parse(Buffer.from(text, 'latin1'));
}

const HEAD = 'POST /a?b=c HTTP/1.1\r\nHost: localhost:80\r\nX-Empty:\r\nContent-Length: 3\r\n';
const POST = `${HEAD}\r\nabc`;

it('reads the head and the body of a request', () => {
  const request = read(POST) as WholeRequest;
  expect(request).toMatchObject({
    httpVersionMajor: 1,
    httpVersionMinor: 1,
    method: 'POST',
    url: '/a?b=c',
    rawHeaders: ['Host', 'localhost:80', 'X-Empty', '', 'Content-Length', '3'],
    headers: { host: 'localhost:80', 'x-empty': '', 'content-length': '3' },
    rawTrailers: [],
    complete: true,
    readableLength: 3,
  });
  expect(request.socket).toBe(socket);
  expect(request.read()!.toString()).toBe('abc');
  expect(request.read()).toBeNull();
  expect(request.readableLength).toBe(0);
});

it.each([
  ['GET', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['HEAD', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a POST without a length', 'POST / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['an empty body', POST.replace(/3\r\n\r\nabc/, '0\r\n\r\n')],
])('reads %s without a body', (_, text) => {
  expect((read(text) as WholeRequest).read()).toBeNull();
});

it.each([
  ['PUT', POST.replace('POST', 'PUT')],
  ['PATCH', POST.replace('POST', 'PATCH')],
  ['DELETE', POST.replace('POST', 'DELETE')],
  ['the absolute-form', POST.replace('/a', 'http://100.127.69.42:8080/a')],
  ['a field without a space', POST.replace('Host: ', 'Host:')],
  ['Proxy-Connection', `${HEAD}Proxy-Connection: Keep-Alive\r\n\r\nabc`],
  ['an empty line after the body', `${POST}\r\n`],
  ['keep-alive in any case', `${HEAD}Connection: Keep-Alive\r\n\r\nabc`],
  [
    'the longest body',
    POST.replace(/3\r\n\r\nabc/, `${MAX_WHOLE_BODY}\r\n\r\n${'a'.repeat(MAX_WHOLE_BODY)}`),
  ],
])('reads %s', (_, text) => {
  expect(read(text)).toBeInstanceOf(WholeRequest);
});

it.each([
  ['a part of a line', 'GET /'],
  ['a part of a head', HEAD],
  ['a head without its body', `${HEAD}\r\n`],
  ['a part of the body', `${HEAD}\r\nab`],
])('waits for the rest after %s', (_, text) => {
  expect(read(text)).toBe('part');
});

it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])(
  'waits for the rest after %s',
  (method) => {
    expect(read(`${method} `)).toBe('part');
  },
);

it.each([
  ['an unknown method', POST.replace('POST', 'BREW')],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['OPTIONS', 'OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['the asterisk-form', POST.replace('/a?b=c', '*')],
  ['another scheme', POST.replace('/a', 'https://a/')],
  ['user information', POST.replace('/a', 'http://u@a/')],
  ['a fragment', POST.replace('?b=c', '#b')],
  ['a space in the target', POST.replace('?b=c', '? ')],
  ['obs-text in the target', POST.replace('?b=c', '?\xe9')],
  ['HTTP/1.0', POST.replace('1.1', '1.0')],
  ['two spaces', POST.replace('POST ', 'POST  ')],
  ['an empty line first', `\r\n${POST}`],
  ['a bare LF', POST.replace('\r\n', '\n')],
  ['a bare LF in a value', POST.replace('localhost', 'local\nhost')],
  ['a bare CR in a value', POST.replace('localhost', 'local\rhost')],
  ['NUL in a value', POST.replace('localhost', 'local\0host')],
  ['obs-text in a value', POST.replace('localhost', 'local\xe9')],
  ['a tab in a value', POST.replace('localhost', 'local\thost')],
  ['a tab before a value', POST.replace('Host: ', 'Host:\t')],
  ['two spaces before a value', POST.replace('Host: ', 'Host:  ')],
  ['a space after a value', POST.replace(':80', ':80 ')],
  ['a space before a colon', POST.replace('Host:', 'Host :')],
  ['a folded line', POST.replace('X-Empty:', ' folded')],
  ['a line without a colon', POST.replace('X-Empty:', 'X-Empty')],
  ['an empty name', POST.replace('X-Empty:', ': x')],
  ['no Host', POST.replace('Host', 'Hosted')],
  ['two Hosts', POST.replace('X-Empty:', 'host: b')],
  ['a repeated field', POST.replace('X-Empty:', 'A: 1\r\na: 2')],
  ['a field with the name of a property', POST.replace('X-Empty', '__proto__')],
  ['two lengths', POST.replace('X-Empty:', 'Content-Length: 3')],
  ['a list of lengths', POST.replace(': 3', ': 3, 3')],
  ['a signed length', POST.replace(': 3', ': +3')],
  ['a hexadecimal length', POST.replace(': 3', ': 0x3')],
  ['an empty length', POST.replace(': 3', ':')],
  ['a long length', POST.replace(': 3', ': 000003')],
  ['a longer body', POST.replace(': 3', `: ${MAX_WHOLE_BODY + 1}`)],
  ['chunks', POST.replace('Content-Length: 3', 'Transfer-Encoding: chunked')],
  ['a length and a coding', POST.replace('X-Empty:', 'Transfer-Encoding: identity')],
  ['Expect', POST.replace('X-Empty:', 'Expect: 100-continue')],
  ['Set-Cookie', POST.replace('X-Empty:', 'Set-Cookie: a')],
  ['Upgrade', POST.replace('X-Empty:', 'Upgrade: websocket')],
  ['TE', POST.replace('X-Empty:', 'TE: trailers')],
  ['Trailer', POST.replace('X-Empty:', 'Trailer: a')],
  ['HTTP2-Settings', POST.replace('X-Empty:', 'HTTP2-Settings: a')],
  ['Connection: close', POST.replace('X-Empty:', 'Connection: close')],
  ['Proxy-Connection: close', POST.replace('X-Empty:', 'Proxy-Connection: close')],
  ['a connection option', POST.replace('X-Empty:', 'Connection: keep-alive, x')],
  ['a further request', POST + POST],
  ['a byte after the body', `${POST}\nx`],
  ['a head of more than 8 KiB', POST.replace('X-Empty:', `X: ${'x'.repeat(8_192)}`)],
  ['more than 8 KiB without an end', HEAD.replace('X-Empty:', `X: ${'x'.repeat(8_192)}`)],
  ['another protocol', '\x16\x03\x01\x02\x00'],
  ['a part of a method', 'GE'],
])('leaves a request with %s to Node', (_, text) => {
  expect(read(text)).toBe('for-node');
});

it.each([
  [8_192, 'request'],
  [8_193, 'for-node'],
])('reads a head of up to 8 KiB: %i bytes', (length, expected) => {
  // The head without the CRLF of its last line and the empty line.
  const field = `X-Empty:${'x'.repeat(length - HEAD.length + 2)}`;
  const text = POST.replace('X-Empty:', field);
  expect(text.indexOf('\r\n\r\n')).toBe(length);
  const request = read(text);
  expect(request instanceof WholeRequest ? 'request' : request).toBe(expected);
});

it('reads a head that repeats, and another one after it', () => {
  const parser = new WholeRequestParser(socket);
  const parsed = (text: string) => {
    const request = parser.parse(Buffer.from(text, 'latin1')) as WholeRequest;
    return [request.url, request.headers['content-length'], request.read()?.toString()];
  };
  const other = POST.replace('/a?b=c', '/d').replace(/3\r\n\r\nabc/, '2\r\n\r\nef');
  expect(parsed(POST)).toEqual(['/a?b=c', '3', 'abc']);
  expect(parsed(POST.replace('abc', 'xyz'))).toEqual(['/a?b=c', '3', 'xyz']);
  expect(parsed(other)).toEqual(['/d', '2', 'ef']);
  expect(parser.parse(Buffer.from(POST.replace('Host', 'Hosted')))).toBe('for-node');
  expect(parsed(POST)).toEqual(['/a?b=c', '3', 'abc']);
  parser.forget();
  expect(parsed(POST)).toEqual(['/a?b=c', '3', 'abc']);
});

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly headers: object;
  readonly body: string;
  readonly keepsAlive: boolean;
}

/** What Node's HTTP server reads from the bytes; undefined unless it is one request. */
async function readByNode(text: string): Promise<Seen | undefined> {
  const seen: Seen[] = [];
  const refused: Error[] = [];
  const server = createServer({ maxHeaderSize: 32 * 1024 }, (request, response) => {
    const { method, url, rawHeaders, headers } = request;
    let body = '';
    request.on('data', (bytes: Buffer) => (body += bytes.toString('latin1')));
    request.on('end', () => {
      seen.push({ method, url, rawHeaders, headers, body, keepsAlive: response.shouldKeepAlive });
    });
    request.on('error', () => undefined);
  });
  server.on('clientError', (error) => void refused.push(error));
  const stream = new Duplex({ read: () => undefined, write: (_bytes, _encoding, done) => done() });
  server.emit('connection', stream);
  stream.push(Buffer.from(text, 'latin1'));
  const isRead = () => seen.length + refused.length > 0;
  for (let turn = 0; turn < 20 && !isRead(); turn++) await new Promise(setImmediate);
  // A second request would follow.
  await new Promise(setImmediate);
  stream.destroy();
  return refused.length > 0 || seen.length !== 1 ? undefined : seen[0];
}

const PARTS = [
  ...['GET', 'POST', ' ', '/', '/a', ' HTTP/1.1', ' HTTP/1.0', '\r\n', '\n', '\r', '\r\n\r\n'],
  ...['Host: a', 'Content-Length: 3', 'Content-Length: 0', 'Transfer-Encoding: chunked', 'X: y'],
  ...[':', '\t', '\0', '\x7f', '\xe9', 'abc', '3', ',', 'http://a', '?', '%'],
  ...['Connection: close', 'Proxy-Connection: close', 'Set-Cookie: a'],
];

/** A request with a few random changes. */
function changed(random: Random): string {
  let text = POST;
  for (let count = random.below(4); count > 0; count--) {
    const start = random.below(text.length + 1);
    const end = Math.min(text.length, start + random.below(4));
    text = text.slice(0, start) + random.pick(PARTS) + text.slice(end);
  }
  return text;
}

it('reads what it accepts as Node does', async () => {
  const random = new Random(1);
  let accepted = 0;
  for (let count = 0; count < COUNT; count++) {
    const text = changed(random);
    const request = read(text);
    if (!(request instanceof WholeRequest)) continue;
    accepted++;
    const { method, url, rawHeaders, headers } = request;
    const body = request.read()?.toString('latin1') ?? '';
    const here = { text, method, url, rawHeaders, headers, body, keepsAlive: true };
    expect(here).toEqual({ text, ...(await readByNode(text)) });
  }
  expect(accepted).toBeGreaterThan(100);
});
