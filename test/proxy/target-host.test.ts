import { addressText, readTargetHost } from '../../src/proxy/target-host.js';

it.each([
  ['10.0.0.1', '10.0.0.1'],
  ['255.255.255.255', '255.255.255.255'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['::', '::'],
  ['::1', '::1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:a00:1', '10.0.0.1'],
  ['0:0:0:0:0:ffff:10.0.0.1', '10.0.0.1'],
  ['::10.0.0.1', '::a00:1'],
  ['::0.0.0.1', '::1'],
  ['::ffff:0:10.0.0.1', '::ffff:0:a00:1'],
  ['64:ff9b::255.255.255.255', '64:ff9b::ffff:ffff'],
  ['1:2:3:4:5:6:7.8.9.10', '1:2:3:4:5:6:708:90a'],
])('reads the address %s as %s', (text, address) => {
  expect(readTargetHost(text)).toBe(address);
});

it.each(['one.test', 'One.Test.', '_sip._tcp.test', 'a', '1.a', 'x-y.test', 'a.'.repeat(127)])(
  'keeps the name %s',
  (name) => {
    expect(readTargetHost(name)).toBe(name);
  },
);

it.each([
  '',
  '.',
  '-a',
  'a-',
  'a..b',
  'a b',
  'a\0',
  'a\n',
  'a/b',
  'a:80',
  'é.test',
  '%31',
  '1',
  '127.1',
  '1.2.3.4.',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '0x7f.0.0.0x1',
  'a.0X',
  'fe80::1%eth0',
  '::ffff:1.2.3.4%1',
  '[::1]',
  '::1::',
  '1:2:3:4:5:6:7',
  '::1.2.3',
  '::1.2.3.04',
  'a'.repeat(255),
])('refuses %j', (text) => {
  expect(readTargetHost(text)).toBeUndefined();
});

it('writes the bytes of an address', () => {
  const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1);
  expect(addressText(Uint8Array.of(10, 0, 0, 1))).toBe('10.0.0.1');
  expect(addressText(mapped)).toBe('10.0.0.1');
  expect(addressText(mapped.fill(0, 10, 12))).toBe('::a00:1');
});
