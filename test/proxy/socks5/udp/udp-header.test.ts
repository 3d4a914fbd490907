import { readUdpHeader, withUdpHeader } from '../../../../src/proxy/socks5/udp/udp-header.js';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const name = (text: string) =>
  `${text.length.toString(16).padStart(2, '0')}${Buffer.from(text).toString('hex')}`;

it.each([
  ['IPv4', '0000 00 01 64 7f 45 2a 0035', { length: 10, host: hex('647f452a'), port: 53 }],
  [
    'IPv6',
    `0000 00 04 fd00 ${'0000'.repeat(6)} 0001 1633`,
    { length: 22, host: hex(`fd00${'0000'.repeat(6)}0001`), port: 5683 },
  ],
  [
    'an IPv4-mapped address',
    `0000 00 04 ${'00'.repeat(10)} ffff 647f452a 0035`,
    { length: 22, host: hex('647f452a'), port: 53 },
  ],
  ['a name', `0000 00 03 ${name('one.test')} 0035`, { length: 15, host: 'one.test', port: 53 }],
])('reads %s', (_name, text, header) => {
  const bytes = hex(`${text} 616263`);
  expect(readUdpHeader(bytes)).toEqual(header);
  expect(readUdpHeader(bytes.subarray(0, header.length))).toEqual(header);
});

it.each([
  ['a fragment', '0000 01 01 64 7f 45 2a 0035', 'fragment'],
  ['the last fragment', '0000 81 01 64 7f 45 2a 0035', 'fragment'],
  ['nothing', '', 'malformed'],
  ['a header without a port', '0000 00 01 64 7f 45 2a 00', 'malformed'],
  ['port 0', '0000 00 01 64 7f 45 2a 0000', 'malformed'],
  ['an unknown address type', '0000 00 02 64 7f 45 2a 0035', 'malformed'],
  ['a name that is cut off', '0000 00 03 09 6f6e652e 0035', 'malformed'],
  ['a name of no bytes', '0000 00 03 00 0035', 'malformed'],
  ['a name that is not a host name', `0000 00 03 ${name('a b')} 0035`, 'malformed'],
  ['a number that looks like a name', `0000 00 03 ${name('127.1')} 0035`, 'malformed'],
])('refuses %s', (_name, text, reason) => {
  expect(readUdpHeader(hex(text))).toBe(reason);
});

it.each([
  ['647f452a', '00000001 647f452a 0035 6162'],
  [`fd00${'0000'.repeat(6)}0001`, `00000004 fd00${'0000'.repeat(6)}0001 0035 6162`],
])('writes the true source %s', (address, text) => {
  const bytes = withUdpHeader(hex('6162'), { address: hex(address), port: 53 });
  expect(Buffer.from(bytes).toString('hex')).toBe(text.replaceAll(' ', ''));
});
