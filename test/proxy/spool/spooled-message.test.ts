import { formatMessage, parseMessage } from '../../../src/proxy/spool/spooled-message.js';

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
