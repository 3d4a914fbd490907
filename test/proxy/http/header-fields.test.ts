import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

import {
  answerFields,
  areWritable,
  hasForeignCoding,
  isHopByHop,
  requestFields,
} from '../../../src/proxy/http/header-fields.js';

const PLAIN = { added: [], expectsContinue: false, upgrades: false, keepsAlive: false };

/** A message without a connection, with only the fields that the functions read. */
function message(rawHeaders: string[], headers: Record<string, string> = {}): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { rawHeaders, headers });
}

it.each([
  ['100.127.69.42', 80, '100.127.69.42'],
  ['100.127.69.42', 8080, '100.127.69.42:8080'],
  ['fd00::1', 80, '[fd00::1]'],
  ['fd00::1', 8080, '[fd00::1]:8080'],
])('formats the target %s port %i as Host', (host, port, expected) => {
  expect(requestFields(message(['Host', 'x']), { host, port }, PLAIN).slice(0, 2)).toEqual([
    'Host',
    expected,
  ]);
});

it.each([
  'Connection',
  'KEEP-ALIVE',
  'Proxy-Connection',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
])('classifies %s as connection-specific', (name) => {
  expect(isHopByHop(name)).toBe(true);
  expect(answerFields({ status: 200, rawHeaders: [name, 'x', 'Via', '1.1 x'] }, false)).toEqual([
    'Via',
    '1.1 x',
  ]);
});

it('drops fields listed in any Connection field, in any case', () => {
  const raw = ['connection', 'A , b', 'Connection', 'C', 'a', '1', 'B', '2', 'c', '3', 'D', '4'];
  expect(answerFields({ status: 200, rawHeaders: raw }, false)).toEqual(['D', '4']);
});

it('drops a field listed after a Connection field with only keep-alive', () => {
  const raw = ['Connection', 'keep-alive', 'Connection', 'C', 'c', '3', 'D', '4'];
  expect(answerFields({ status: 200, rawHeaders: raw }, false)).toEqual(['D', '4']);
});

it('keeps Content-Length although Connection names it', () => {
  const raw = ['Connection', 'content-length', 'Content-Length', '3'];
  expect(answerFields({ status: 200, rawHeaders: raw }, false)).toEqual(['Content-Length', '3']);
});

it('filters 30,000 fields by as many connection options in less than a second', () => {
  const options = Array.from({ length: 30_000 }, (_, index) => `x${index}`);
  const raw = ['Connection', options.join(',')];
  for (let index = 0; index < 30_000; index++) raw.push(`y${index}`, '');
  const begin = process.cpuUsage().user;
  expect(answerFields({ status: 200, rawHeaders: raw }, false)).toHaveLength(60_000);
  expect(process.cpuUsage().user - begin).toBeLessThan(1_000_000);
});

describe('Max-Forwards', () => {
  const target = { host: '100.127.69.42', port: 80 };
  const forwarded = (method: string, raw: string[]): string[] =>
    requestFields(Object.assign(message(raw), { method }), target, { ...PLAIN, keepsAlive: true });

  it.each([
    ['GET', '2', '2'],
    ['TRACE', '2', '1'],
    ['OPTIONS', '10', '9'],
    ['OPTIONS', '0', '0'],
    ['OPTIONS', 'abc', 'abc'],
    ['OPTIONS', '1234567890', '1234567890'],
  ])('of %s %s becomes %s', (method, before, after) => {
    const fields = forwarded(method, ['A', 'b', 'max-forwards', before]);
    expect(fields.slice(2)).toEqual(['A', 'b', 'max-forwards', after]);
  });

  it('is not confused with the value of another field', () => {
    const raw = ['X', 'Max-Forwards', '5', 'y', 'Max-Forwards', '2'];
    expect(forwarded('OPTIONS', raw).slice(2)).toEqual([
      ...['X', 'Max-Forwards', '5', 'y', 'Max-Forwards', '1'],
    ]);
  });
});

it('reports a field that Node would refuse to write', () => {
  expect(areWritable('/x', ['A', 'b', 'C', '\xe9\t'])).toBe(true);
  expect(areWritable('/x y', [])).toBe(false);
  expect(areWritable('/x', ['A', 'b\u0001'])).toBe(false);
  expect(areWritable('/x', ['A B', 'c'])).toBe(false);
});

it.each([
  [undefined, false],
  ['chunked', false],
  [' Chunked ', false],
  ['gzip, chunked', true],
  ['gzip', true],
])('detects whether %j is more than chunked', (coding, expected) => {
  const headers = coding === undefined ? {} : { 'transfer-encoding': coding };
  expect(hasForeignCoding(message([], headers))).toBe(expected);
});
