import {
  formatKey,
  parseCidr,
  parseEndpoint,
  parseIp,
  parseKey,
} from '../../src/arc-config/value-syntax.js';
import { PRIVATE_KEY } from './sample.js';

describe('parseKey', () => {
  it('reads 32 bytes into separate memory', () => {
    const key = parseKey(PRIVATE_KEY);
    expect(key).toHaveLength(32);
    expect(key?.buffer.byteLength).toBe(32);
    expect(formatKey(key!)).toBe(PRIVATE_KEY);
  });

  it.each([
    ['', 'nothing'],
    [PRIVATE_KEY.slice(0, -1), 'no padding'],
    [PRIVATE_KEY.replace('/', '_'), 'the URL-safe alphabet'],
    [` ${PRIVATE_KEY}`, 'a space'],
    [`${PRIVATE_KEY}=`, 'too much padding'],
    ['AAAA', 'three bytes'],
    [Buffer.alloc(33).toString('base64'), '33 bytes'],
    [Buffer.alloc(31).toString('base64'), '31 bytes'],
  ])('refuses %j: %s', (text) => {
    expect(parseKey(text)).toBeUndefined();
  });
});

describe('parseEndpoint', () => {
  it.each([
    ['link.arc.soracom.io:11010', 'link.arc.soracom.io', 11010],
    ['link.arc.soracom.io', 'link.arc.soracom.io', 11010],
    ['192.0.2.1:51820', '192.0.2.1', 51820],
    ['[2001:db8::1]:51820', '2001:db8::1', 51820],
    ['[2001:db8::1]', '2001:db8::1', 11010],
    ['2001:db8::1', '2001:db8::1', 11010],
    ['::1', '::1', 11010],
    ['[2001:DB8:0:0::01]:51820', '2001:db8::1', 51820],
    ['[::ffff:192.0.2.1]:51820', '192.0.2.1', 51820],
    ['h:+80', 'h', 80],
    ['h:0', 'h', 0],
    ['h:0080', 'h', 80],
    ['h:65535', 'h', 65535],
  ])('%s', (text, host, port) => {
    expect(parseEndpoint(text)).toEqual({ text, host, port });
  });

  it.each([
    '',
    ':11010',
    'h:',
    'h:65536',
    'h:-1',
    'h:http',
    'a:b:c',
    'h h:1',
    'http://h:1',
    '[::1',
    '::1]:1',
    '[h]x:1',
    '[::1]:',
    '[]:1',
  ])('refuses %j', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });
});

describe('parseCidr', () => {
  it.each([
    ['100.127.0.0/16', '100.127.0.0/16'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/32', '10.1.2.3/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8:0:0:0:0:0:1/32', '2001:db8::/32'],
    ['::/0', '::/0'],
  ])('%s is %s', (text, canonical) => {
    expect(parseCidr(text)).toBe(canonical);
  });

  it.each([
    '10.0.0.1',
    '10.0.0.0/33',
    '10.0.0/8',
    '010.0.0.0/8',
    '::/129',
    '/8',
    '10.0.0.0/',
    'x/8',
  ])('refuses %j', (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });
});

describe('parseIp', () => {
  it.each([
    ['10.0.0.2', '10.0.0.2'],
    ['FD00::0:1', 'fd00::1'],
    ['::ffff:10.0.0.2', '10.0.0.2'],
  ])('%s is %s', (text, canonical) => {
    expect(parseIp(text)).toBe(canonical);
  });

  it.each(['', '10.0.0.2/32', '10.0.2', '10.0.0.256', 'host', 'fe80::1%eth0', '1::2::3'])(
    'refuses %j',
    (text) => {
      expect(parseIp(text)).toBeUndefined();
    },
  );
});
