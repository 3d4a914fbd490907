import {
  formatMessage,
  parseMessage,
  requestBytes,
  splitRequest,
} from '../../../src/proxy/spool/spooled-message.js';

const TARGET = { host: '100.127.69.42', port: 80 };

it('reads what it writes, with any bytes in the request', () => {
  const request = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const message = parseMessage(formatMessage({ target: TARGET, request }));
  expect(message?.target).toEqual(TARGET);
  expect([...message!.request]).toEqual([...request]);
});

it.each([
  '',
  'no line',
  '{}\nx',
  '{"version":2,"host":"h","port":1}\n',
  'null\n',
  '{"version":1\n',
])('refuses %j as damaged', (text) => {
  expect(parseMessage(Buffer.from(text))).toBeUndefined();
});

it('formats a request with its host and its length', () => {
  const headers = [['X-A', '1']] as const;
  const message = { method: 'POST', path: '/x', headers, body: Buffer.from('hé') };
  const request = requestBytes(message, TARGET);
  const head = 'POST /x HTTP/1.1\r\nHost: 100.127.69.42\r\nX-A: 1\r\nContent-Length: 3';
  expect(splitRequest(request)).toEqual({ head, body: Buffer.from('hé') });
});

it('keeps the host of a header', () => {
  const headers = [['host', 'uni.soracom.io']] as const;
  const request = requestBytes(
    { method: 'PUT', path: '/', headers, body: new Uint8Array() },
    TARGET,
  );
  expect(splitRequest(request).head).toBe(
    'PUT / HTTP/1.1\r\nhost: uni.soracom.io\r\nContent-Length: 0',
  );
});
