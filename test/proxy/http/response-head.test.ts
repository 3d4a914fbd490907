import {
  keepAliveTimeout,
  parseResponseHead,
  parseTrailers,
} from '../../../src/proxy/http/response-head.js';

function parse(...lines: string[]) {
  return parseResponseHead(lines.join('\r\n'));
}

it('splits a head into its parts', () => {
  expect(parse('HTTP/1.1 207 Some Of It', 'x-A: 1', 'X-a:\t2 ', 'Content-Length: 3')).toEqual({
    status: 207,
    reason: 'Some Of It',
    rawHeaders: ['x-A', '1', 'X-a', '2', 'Content-Length', '3'],
    headers: new Map([
      ['x-a', '1, 2'],
      ['content-length', '3'],
    ]),
    framing: 3,
    keepsAlive: true,
  });
});

it.each(['HTTP/1.1 200', 'HTTP/1.1 200 ', 'HTTP/1.0 200 OK', 'HTTP/1.1 999 \xe9'])(
  'accepts the status line %j',
  (line) => expect(parse(line)).toBeDefined(),
);

it.each([
  '',
  'HTTP/1.1',
  'HTTP/1.1 20',
  'HTTP/1.1 2000 OK',
  'HTTP/1.1 099 X',
  'HTTP/1.1  200 OK',
  'HTTP/1.1 200OK',
  'HTTP/0.9 200 OK',
  'HTTP/1.2 200 OK',
  'HTTP/2.0 200 OK',
  'http/1.1 200 OK',
  ' HTTP/1.1 200 OK',
  '200 OK',
  'HTTP/1.1 200 O\nK',
  'HTTP/1.1 200 O\rK',
])('rejects the status line %j', (line) => expect(parse(line)).toBeUndefined());

it.each([
  ['no colon', 'foo'],
  ['no name', ': a'],
  ['a space before the colon (RFC 9112 5.1)', 'X : a'],
  ['a folded line (RFC 9112 5.2)', 'X: a\r\n b'],
  ['a bare LF', 'X: a\nY: b'],
  ['a bare CR', 'X: a\rY: b'],
  ['NUL', 'X: a\0'],
  ['a name with a space', 'X Y: a'],
])('rejects a field with %s', (_, line) => {
  expect(parse('HTTP/1.1 200 OK', line)).toBeUndefined();
  expect(parseTrailers(line)).toBeUndefined();
});

it.each<[string[], unknown]>([
  [[], 'until-close'],
  [['Content-Length: 0'], 0],
  [['Content-Length:  7 '], 7],
  [['Transfer-Encoding: chunked'], 'chunked'],
  [['Transfer-Encoding: Chunked'], 'chunked'],
])('frames a body by %j', (fields, framing) => {
  expect(parse('HTTP/1.1 200 OK', ...fields)).toMatchObject({ framing });
});

it.each([
  [['Content-Length: 2', 'Content-Length: 2']],
  [['Content-Length: 2, 2']],
  [['Content-Length: +2']],
  [['Content-Length: -2']],
  [['Content-Length: 0x2']],
  [['Content-Length: 2.0']],
  [['Content-Length:']],
  [['Content-Length: 9007199254740993']],
  [['Content-Length: 2', 'Transfer-Encoding: chunked']],
  [['Transfer-Encoding: gzip', 'Content-Length: 2']],
  [['Transfer-Encoding: gzip, chunked']],
  [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
  [['Transfer-Encoding: gzip']],
  [['Transfer-Encoding: ']],
])('rejects the ambiguous framing %j (RFC 9112 6.3)', (fields) => {
  expect(parse('HTTP/1.1 200 OK', ...fields)).toBeUndefined();
});

it.each<[string[], boolean]>([
  [['HTTP/1.1 200 OK', 'Content-Length: 2'], true],
  [['HTTP/1.1 200 OK', 'Content-Length: 2', 'Connection: X, keep-alive'], true],
  [['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], true],
  [['HTTP/1.1 200 OK', 'Content-Length: 2', 'Connection: close'], false],
  [['HTTP/1.1 200 OK', 'Content-Length: 2', 'Connection: x , Close', 'Connection: y'], false],
  [['HTTP/1.0 200 OK', 'Content-Length: 2', 'Connection: keep-alive'], false],
  [['HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'], false],
  [['HTTP/1.1 200 OK'], false],
  [['HTTP/1.1 204 No Content'], true],
  [['HTTP/1.1 204 No Content', 'Connection: close'], false],
  [['HTTP/1.0 204 No Content'], false],
  [['HTTP/1.1 204 No Content', 'Content-Length: 0'], true],
  [['HTTP/1.1 204 No Content', 'Content-Length: 5'], false],
  [['HTTP/1.1 204 No Content', 'Transfer-Encoding: chunked'], false],
  [['HTTP/1.1 304 Not Modified'], true],
  [['HTTP/1.1 304 Not Modified', 'Content-Length: 5'], true],
  [['HTTP/1.1 304 Not Modified', 'Transfer-Encoding: chunked'], false],
  [['HTTP/1.1 200 OK', 'Content-Length: 2', 'Connection: closed'], true],
])('tells whether the connection persists: %j', (lines, keepsAlive) => {
  expect(parse(...lines)).toMatchObject({ keepsAlive });
});

it.each([
  ['timeout=5', 5_000],
  ['timeout=5, max=100', 5_000],
  ['max=100,Timeout = "72"', 72_000],
  ['timeout=0', 0],
  ['max=100', undefined],
  ['notimeout=5', undefined],
  ['timeout=', undefined],
])('reads Keep-Alive: %s', (value, expected) => {
  expect(keepAliveTimeout(parse('HTTP/1.1 200 OK', `Keep-Alive: ${value}`)!)).toBe(expected);
});

it('announces no time without Keep-Alive', () => {
  expect(keepAliveTimeout(parse('HTTP/1.1 200 OK')!)).toBeUndefined();
});

it('limits names and values to 32 KiB', () => {
  const field = (length: number) => `X: ${'x'.repeat(length - 1)}`;
  expect(parse('HTTP/1.1 200 OK', field(32 * 1024))).toBeDefined();
  expect(parse('HTTP/1.1 200 OK', field(32 * 1024 + 1))).toBeUndefined();
});

it('trims only blanks', () => {
  const value = (text: string) => parse('HTTP/1.1 200 OK', `X:${text}`)!.headers.get('x');
  expect(value(' a b ')).toBe('a b');
  expect(value(' \t a \t b\t \t')).toBe('a \t b');
  expect(value('\xa0a\xa0')).toBe('\xa0a\xa0');
  expect(value(' \t ')).toBe('');
});

it('parses a value full of blanks in linear time', () => {
  // Wall-clock time includes other processes.
  const begin = process.cpuUsage();
  expect(parse('HTTP/1.1 200 OK', `X: a${' '.repeat(60_000)}b`)).toBeUndefined();
  expect(parseTrailers(`X: a${' \t'.repeat(30_000)}b`)).toHaveLength(2);
  // Microseconds; backtracking takes several seconds.
  expect(process.cpuUsage(begin).user).toBeLessThan(1_000_000);
});

it('parses trailers', () => {
  expect(parseTrailers('')).toEqual([]);
  expect(parseTrailers('A: 1\r\nb: 2')).toEqual(['A', '1', 'b', '2']);
});
