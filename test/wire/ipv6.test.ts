import { parseIpAddress } from '../../src/wire/ip-address.js';
import {
  createIpv6Header,
  extensionHeaderLength,
  finishIpv6Header,
  fragmentIdentification,
  fragmentOffset,
  hasMoreFragments,
  ipv6Destination,
  ipv6HeaderError,
  ipv6PayloadLength,
  ipv6Source,
  skipExtensionHeaders,
  writeFragmentHeader,
} from '../../src/wire/ipv6.js';
import { fromHex, toHex } from '../support/hex.js';

const SOURCE = parseIpAddress('2001:db8::1')!;
const DESTINATION = parseIpAddress('2001:db8::2')!;
const ADDRESSES = '20010db8000000000000000000000001' + '20010db8000000000000000000000002';

it('writes a header', () => {
  const header = createIpv6Header(SOURCE, DESTINATION, 17, 0xabcde);
  finishIpv6Header(header, 0, 0x1234);
  expect(toHex(header)).toBe('600abcde' + '1234' + '11' + '40' + ADDRESSES);
  expect(ipv6PayloadLength(header, 0)).toBe(0x1234);
  expect(ipv6Source(header, 0)).toEqual(SOURCE);
  expect(ipv6Destination(header, 0)).toEqual(DESTINATION);
});

it('reports a packet that is too short', () => {
  const packet = fromHex(`6000000000081140${ADDRESSES}0102030405060708`);
  expect(ipv6HeaderError(packet)).toBeUndefined();
  expect(ipv6HeaderError(packet.subarray(0, 47))).toBe('ip-truncated');
  expect(ipv6HeaderError(packet.subarray(0, 39))).toBe('ip-truncated');
});

it('writes and reads a fragment header', () => {
  const bytes = new Uint8Array(9);
  writeFragmentHeader(bytes, 1, 58, { start: 1232, more: true }, 0x89abcdef);
  expect(toHex(bytes)).toBe('00' + '3a00' + '04d1' + '89abcdef');
  expect(fragmentOffset(bytes, 1)).toBe(1232);
  expect(hasMoreFragments(bytes, 1)).toBe(true);
  expect(fragmentIdentification(bytes, 1) >>> 0).toBe(0x89abcdef);
  writeFragmentHeader(bytes, 1, 58, { start: 1232, more: false }, 0);
  expect(hasMoreFragments(bytes, 1)).toBe(false);
});

it('computes the length of an extension header in units of eight bytes, without the first unit', () => {
  expect(extensionHeaderLength(Uint8Array.of(0, 6, 0), 0)).toBe(56);
});

describe('the upper layer', () => {
  const skip = (nextHeader: string, rest: string) => {
    const packet = fromHex(`600000000000${nextHeader}40${ADDRESSES}${rest}`);
    return skipExtensionHeaders(packet, 0, packet.length);
  };

  it.each([
    ['no extension header', '11', '', { protocol: 17, offset: 40 }],
    ['hop-by-hop options', '00', '1100' + '010400000000', { protocol: 17, offset: 48 }],
    ['a routing header of 16 bytes', '2b', '0601' + '00'.repeat(14), { protocol: 6, offset: 56 }],
    ['the first fragment', '2c', '3a00' + '0001' + '00000001', { protocol: 58, offset: 48 }],
    ['an unknown header', 'fd', '', { protocol: 253, offset: 40 }],
  ])('is found after %s', (_, nextHeader, rest, found) => {
    expect(skip(nextHeader, rest)).toEqual(found);
  });

  it.each([
    ['a later fragment', '2c', '3a00' + '0009' + '00000001'],
    ['a truncated header', '3c', '110000'],
    ['a header that is longer than the packet', '3c', '11ff' + '00'.repeat(6)],
    ['nine headers', '3c', ('3c00' + '00'.repeat(6)).repeat(9)],
  ])('is not found after %s', (_, nextHeader, rest) => {
    expect(skip(nextHeader, rest)).toBeUndefined();
  });
});
