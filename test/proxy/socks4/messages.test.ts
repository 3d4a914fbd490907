import { readRequest } from '../../../src/proxy/socks4/messages.js';

const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));
const ADDRESS = '\x04\x01\x00\x50\x64\x7f\x45\x2a';
const OF_NAME = '\x04\x01\x00\x50\x00\x00\x00\x01';

it.each([
  ['an address', `${ADDRESS}\0`, '100.127.69.42', ''],
  ['an address and a user ID', `${ADDRESS}user\0`, '100.127.69.42', 'user'],
  ['a name (SOCKS4a)', `${OF_NAME}\0one.test\0`, 'one.test', ''],
  ['a name and a user ID', `${OF_NAME}user\0one.test\0`, 'one.test', 'user'],
])('reads %s, and nothing before its last byte', (_name, text, host, userId) => {
  const bytes = latin1(text);
  expect(readRequest(latin1(`${text}early`))).toEqual({
    length: bytes.length,
    userId,
    target: { host, port: 80 },
  });
  for (let length = 0; length < bytes.length; length++) {
    expect(readRequest(bytes.subarray(0, length))).toBeUndefined();
  }
});

it.each([
  ['BIND', '\x04\x02', 'not-connect'],
  ['another version', '\x05', 'malformed'],
  ['port 0', '\x04\x01\x00\x00\x64\x7f\x45\x2a\0', 'malformed'],
  ['an invalid name', `${OF_NAME}\0a b\0`, 'malformed'],
  ['no name', `${OF_NAME}\0\0`, 'malformed'],
  ['port 0 with a name', '\x04\x01\x00\x00\x00\x00\x00\x01\0one.test\0', 'malformed'],
  ['a user ID that is too long', `${ADDRESS}${'u'.repeat(256)}`, 'malformed'],
  ['a user ID that is too long, with its end', `${ADDRESS}${'u'.repeat(256)}\0`, 'malformed'],
  ['a name that is too long', `${OF_NAME}\0${'n'.repeat(256)}`, 'malformed'],
])('refuses %s', (_name, text, target) => {
  expect(readRequest(latin1(text))?.target).toBe(target);
});

it('waits for the end of a user ID and a name of 255 bytes each', () => {
  expect(readRequest(latin1(`${ADDRESS}${'u'.repeat(255)}`))).toBeUndefined();
  expect(readRequest(latin1(`${OF_NAME}${'u'.repeat(255)}\0${'n'.repeat(255)}`))).toBeUndefined();
});

it('treats 0.0.0.0 as an address', () => {
  expect(readRequest(latin1('\x04\x01\x00\x50\0\0\0\0\0'))?.target).toEqual({
    host: '0.0.0.0',
    port: 80,
  });
});
