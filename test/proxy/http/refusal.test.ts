import type { IncomingMessage } from 'node:http';

import { isSwitchWanted, refusalOf } from '../../../src/proxy/http/refusal.js';
import { inFastTime } from '../support/fast-time.js';
import { Cleanup, Forwarding, localDialer } from '../support/forwarding.js';

/** A request with these fields, as Node would parse it. */
function request(
  fields: readonly (readonly [name: string, value: string])[],
  { method = 'GET', major = 1, minor = 1 } = {},
): IncomingMessage {
  const headers = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
  const rawHeaders = fields.flat();
  const version = { httpVersionMajor: major, httpVersionMinor: minor };
  return { method, headers, rawHeaders, ...version } as unknown as IncomingMessage;
}

describe('a request that is not forwarded', () => {
  const host = ['Host', 'one.test'] as const;

  it.each([
    ['two hosts', request([host, ['hOST', 'one.test']]), 'bad-request'],
    ['no version', request([host], { major: 0, minor: 9 }), 'bad-request'],
    ['another version', request([host], { major: 2, minor: 0 }), 'http-version'],
    ['another coding', request([['Transfer-Encoding', 'gzip, chunked']]), 'not-implemented'],
    ['a coding without a name', request([['Transfer-Encoding', '']]), 'not-implemented'],
    [
      'a coding in HTTP/1.0',
      request([['Transfer-Encoding', 'chunked']], { minor: 0 }),
      'bad-request',
    ],
    ['TRACE with Max-Forwards 0', request([['Max-Forwards', '0']], { method: 'TRACE' }), undefined],
    [
      'OPTIONS with Max-Forwards 0',
      request([['Max-Forwards', '00']], { method: 'OPTIONS' }),
      undefined,
    ],
  ])('has %s', (_name, message, reason) => {
    expect(refusalOf(message)).toMatchObject({ reason: reason ?? 'method-not-allowed' });
  });

  it.each([
    ['one host', request([host])],
    ['chunks', request([host, ['Transfer-Encoding', ' Chunked ']])],
    ['no host, in HTTP/1.0', request([], { minor: 0 })],
    ['a value that is another field', request([host, ['X', 'host']])],
    ['Max-Forwards of a GET', request([['Max-Forwards', '0']])],
    ['Max-Forwards above 0', request([['Max-Forwards', '1']], { method: 'OPTIONS' })],
  ])('does not have %s', (_name, message) => {
    expect(refusalOf(message)).toBeUndefined();
  });
});

describe('another protocol', () => {
  const upgrade = ['Upgrade', 'websocket'] as const;

  it.each([
    ['is wanted', request([upgrade]), true],
    ['is requested with an empty body', request([upgrade, ['Content-Length', '0']]), true],
    ['is not requested', request([]), false],
    ['has no name', request([['Upgrade', ' ']]), false],
    ['is h2c', request([['Upgrade', ' H2C']]), false],
    ['is h2c, twice', request([['Upgrade', 'h2c, H2C']]), false],
    ['is h2c or another one', request([['Upgrade', 'h2c, websocket']]), true],
    ['is requested with a body', request([upgrade, ['Content-Length', '1']]), false],
    ['is requested with chunks', request([upgrade, ['Transfer-Encoding', 'chunked']]), false],
    ['is requested in HTTP/1.0', request([upgrade], { minor: 0 }), false],
    ['is requested by CONNECT', request([upgrade], { method: 'CONNECT' }), false],
  ])('%s', (_name, message, isWanted) => {
    expect(isSwitchWanted(message)).toBe(isWanted);
  });
});

describe('if the length of a body is ambiguous', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  it.each([
    ['HTTP/1.1', 'Transfer-Encoding: xchunked', 501],
    ['HTTP/1.1', 'Transfer-Encoding: gzip, chunked', 501],
    ['HTTP/1.1', 'Transfer-Encoding:\r\nContent-Length: 5', 501],
    ['HTTP/1.0', 'Connection: keep-alive\r\nTransfer-Encoding: chunked', 400],
    ['HTTP/1.1', 'Transfer-Encoding: chunked, gzip', 400],
    ['HTTP/1.1', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', 400],
    ['HTTP/1.1', 'Transfer-Encoding : chunked', 400],
    ['HTTP/1.1', 'Transfer-Encoding:\r\n chunked', 400],
    ['HTTP/1.1', 'Content-Length: 5\r\nContent-Length: 5', 400],
    ['HTTP/1.1', 'Content-Length: 5, 5', 400],
    ['HTTP/1.1', 'Content-Length: +5', 400],
    ['HTTP/1.1', 'Content-Length: 5\r\nTransfer-Encoding: chunked', 400],
    ['HTTP/1.1', 'X: a\nContent-Length: 5', 400],
    ['HTTP/1.1', 'X: a\r\n b', 400],
  ])('no bytes after it are read as a request: %s %j', async (version, fields, status) => {
    const forwarding = new Forwarding(cleanup);
    const server = await forwarding.server(() => undefined);
    const client = forwarding.client(await forwarding.start(localDialer(server.port)));
    client.send(
      `POST / ${version}\r\nHost: localhost\r\n${fields}\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    );
    expect(await inFastTime(() => client.ended())).toBe('fin');
    expect(client.received.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
    expect(server.wires).toHaveLength(0);
  });
});
