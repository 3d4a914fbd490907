import type { ResponseHead } from '../../../src/proxy/http/response-head.js';
import { type ResponseHandler, ResponseParser } from '../../../src/proxy/http/response-parser.js';

class Recorder implements ResponseHandler {
  readonly events: string[] = [];
  #body = '';
  interim(head: ResponseHead): void {
    this.events.push(`interim ${head.status}`);
  }
  head(head: ResponseHead): void {
    this.events.push(`head ${head.status}`);
  }
  body(bytes: Buffer): void {
    if (bytes.length === 0) throw new Error('an empty part');
    this.#body += bytes.toString('latin1');
  }
  end(trailers: readonly string[]): void {
    this.events.push(`body ${this.#body}`, ['end', ...trailers].join(' '));
  }
}

/** Parses `text` in two parts, split at `at`. */
function parse(text: string, at = text.length, request = { isHead: false, upgrades: false }) {
  const parser = new ResponseParser();
  const recorder = new Recorder();
  parser.begin(recorder, request);
  for (const part of [text.slice(0, at), text.slice(at)]) {
    if (part !== '') parser.write(Buffer.from(part, 'latin1'));
  }
  return { parser, events: recorder.events };
}

const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

const COMPLETE: [string, string, string[]][] = [
  ['no body', `${HEAD}Content-Length: 0\r\n\r\n`, ['head 200', 'body ', 'end']],
  ['a length', `${HEAD}Content-Length: 5\r\n\r\nab\r\nc`, ['head 200', 'body ab\r\nc', 'end']],
  [
    'chunks',
    `${CHUNKED}2\r\nab\r\nA;x="y"\r\n\r\n34567\r\n0\r\n0\r\n\r\n`,
    ['head 200', 'body ab\r\n34567\r\n0', 'end'],
  ],
  [
    'trailers',
    `${CHUNKED}1\r\na\r\n0\r\nA: 1\r\nB: 2\r\n\r\n`,
    ['head 200', 'body a', 'end A 1 B 2'],
  ],
  [
    'interim responses',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n${HEAD}Content-Length: 1\r\n\r\na`,
    ['interim 100', 'interim 103', 'head 200', 'body a', 'end'],
  ],
  ['204', 'HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n', ['head 204', 'body ', 'end']],
  ['304', 'HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n', ['head 304', 'body ', 'end']],
];

it.each(COMPLETE)('parses a response with %s, however it is split', (_, text, events) => {
  for (let at = 0; at <= text.length; at++) {
    const outcome = parse(text, at);
    expect(outcome.events).toEqual(events);
    expect(outcome.parser.state).toBe('complete');
    expect(outcome.parser.rest).toHaveLength(0);
  }
});

it('parses a response byte by byte', () => {
  const parser = new ResponseParser();
  const recorder = new Recorder();
  const [, text, events] = COMPLETE[2]!;
  parser.begin(recorder, { isHead: false, upgrades: false });
  for (const byte of Buffer.from(text, 'latin1')) parser.write(Buffer.of(byte));
  expect(recorder.events).toEqual(events);
});

it.each([`${HEAD}Content-Length: 5\r\n\r\n`, CHUNKED])('expects no body for HEAD: %j', (text) => {
  const { events, parser } = parse(text, text.length, { isHead: true, upgrades: false });
  expect(events).toEqual(['head 200', 'body ', 'end']);
  expect(parser.state).toBe('complete');
});

it.each([
  ['another protocol', 'SSH-2.0-x'],
  ['HTTP/0.9', 'hello'],
  ['HTTP/2.0', 'HTTP/2'],
  ['a CRLF before the status line', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ['a head with bare LFs', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
  ['a malformed head', 'HTTP/1.1 200 OK\r\nX : a\r\n\r\n'],
  ['a 101 that was not asked for', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n'],
  ['a chunk size that is no number', `${CHUNKED}x\r\n`],
  ['a negative chunk size', `${CHUNKED}-1\r\n`],
  ['a chunk size with 0x', `${CHUNKED}0x1\r\n`],
  ['a chunk size with a space', `${CHUNKED}1 \r\na\r\n`],
  ['a space before a chunk extension', `${CHUNKED}1 ;x\r\na\r\n`],
  ['no chunk size', `${CHUNKED}\r\n`],
  ['a huge chunk size', `${CHUNKED}1000000000000000\r\n`],
  ['a bare LF after the chunk size', `${CHUNKED}1\na\r\n0\r\n\r\n\r\n`],
  ['a bare CR in a chunk extension', `${CHUNKED}1;\ra\r\n`],
  ['a chunk that is too long', `${CHUNKED}1\r\nab\r\n`],
  ['a bare LF after a chunk', `${CHUNKED}1\r\na\n0\r\n\r\n`],
  ['a malformed trailer', `${CHUNKED}0\r\nfoo\r\n\r\n`],
  ['an endless chunk size', `${CHUNKED}${'0'.repeat(5_000)}`],
  ['an endless head', `${HEAD}X: ${'x'.repeat(70_000)}`],
  ['endless trailers', `${CHUNKED}0\r\nX: ${'x'.repeat(70_000)}`],
])('rejects %s, however it is split', (_, text) => {
  const step = text.length > 1_000 ? 997 : 1;
  for (let at = 0; at <= text.length; at += step) {
    const { parser, events } = parse(text, at);
    expect(parser.state).toBe('malformed');
    expect(events).not.toContain('end');
  }
});

it('completes a body without a length at the end of the connection', () => {
  const { parser, events } = parse(`${HEAD}\r\nabc`);
  expect(events).toEqual(['head 200']);
  parser.endOfInput();
  expect(events).toEqual(['head 200', 'body abc', 'end']);
});

it.each([`${HEAD}Content-Length: 2\r\n\r\na`, `${CHUNKED}2\r\nab\r\n`, HEAD, ''])(
  'does not complete %j at the end of the connection',
  (text) => {
    const { parser, events } = parse(text);
    parser.endOfInput();
    expect(events).not.toContain('end');
    expect(parser.state).not.toBe('complete');
  },
);

it('leaves the bytes after a 101 to its protocol', () => {
  const text = 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nabc';
  const { parser, events } = parse(text, text.length, { isHead: false, upgrades: true });
  expect(events).toEqual(['head 101']);
  expect(parser.state).toBe('switched');
  expect(parser.rest.toString()).toBe('abc');
});

it('keeps the bytes after a response apart from it', () => {
  const { parser, events } = parse(`${HEAD}Content-Length: 1\r\n\r\nabc`);
  expect(events).toEqual(['head 200', 'body a', 'end']);
  expect(parser.rest.toString()).toBe('bc');
});

it('calls nothing after stop()', () => {
  const parser = new ResponseParser();
  const recorder = new Recorder();
  parser.begin(recorder, { isHead: false, upgrades: false });
  parser.write(Buffer.from(`${HEAD}\r\na`));
  parser.stop();
  parser.write(Buffer.from('b'));
  parser.endOfInput();
  expect(recorder.events).toEqual(['head 200']);
});

it('parses one response after the other', () => {
  const parser = new ResponseParser();
  for (const [, text, events] of COMPLETE) {
    const recorder = new Recorder();
    parser.begin(recorder, { isHead: false, upgrades: false });
    parser.write(Buffer.from(text, 'latin1'));
    expect(recorder.events).toEqual(events);
  }
});
