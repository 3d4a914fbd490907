import { exchangeHttp } from '../../src/proxy/http-exchange.js';
import { requestBytes, splitRequest } from '../../src/proxy/spool/spooled-message.js';
import { until } from '../support/until.js';
import { KeepableDialer } from './support/keepable.js';

const TARGET = { host: '100.127.69.42', port: 80 };

const HOST = 'Host: 100.127.69.42\r\nX-A: 1';

it.each([
  ['POST', 'hi', `${HOST}\r\nContent-Length: 2`],
  ['POST', '', `${HOST}\r\nContent-Length: 0`],
  ['GET', '', HOST],
  ['DELETE', 'x', `${HOST}\r\nContent-Length: 1`],
])('sends %s with the body %j like a message of a spool', async (method, text, fields) => {
  const dialer = new KeepableDialer();
  const message = { method, path: '/x?y', headers: [['X-A', '1']] as const, body: bytes(text) };
  const limits = { idleTimeout: 60_000, maxAnswerBytes: 100 };
  const sending = exchangeHttp(dialer, TARGET, message, limits);
  const target = await dialer.side(0);
  const sent = () => target.written.join('');
  await until(() => sent().includes('\r\n\r\n') && sent().endsWith(text));
  target.respond('HTTP/1.1 204 No Content\r\n\r\n');
  expect(await sending).toMatchObject({ status: 204 });
  const head = `${method} /x?y HTTP/1.1\r\n${fields}`;
  expect(sent()).toBe(`${head}\r\nConnection: close\r\n\r\n${text}`);
  expect(splitRequest(requestBytes(message, TARGET))).toEqual({ head, body: bytes(text) });
});

it('keeps the host of the message', async () => {
  const headers = [['hOST', 'a.example']] as const;
  const message = { method: 'GET', path: '/', headers, body: bytes('') };
  expect(splitRequest(requestBytes(message, TARGET)).head).toBe(
    'GET / HTTP/1.1\r\nhOST: a.example',
  );
  const dialer = new KeepableDialer();
  const limits = { idleTimeout: 60_000, maxAnswerBytes: 100 };
  const sending = exchangeHttp(dialer, TARGET, message, limits);
  const target = await dialer.side(0);
  expect(await target.request()).toBe(
    'GET / HTTP/1.1\r\nhOST: a.example\r\nConnection: close\r\n\r\n',
  );
  target.respond('HTTP/1.1 204 No Content\r\n\r\n');
  await sending;
});

function bytes(text: string): Buffer {
  return Buffer.from(text);
}
