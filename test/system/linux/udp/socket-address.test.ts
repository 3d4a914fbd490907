import { type Libc, loadLibc } from '../../../../src/system/linux/libc.js';
import {
  AF_INET,
  AF_INET6,
  isIpv4OnTheWire,
  SocketAddresses,
} from '../../../../src/system/linux/udp/socket-address.js';
import { toHex } from '../../../support/hex.js';
import { describeWith } from '../../../support/runner/requirements.js';

// The first field is in the machine's byte order, little-endian on all test machines.
const IPV4 = '0200ca6cc0000201' + '0000000000000000';
const IPV6 = '0a00ca6c00000000' + '20010db8000000000000000000000001' + '00000000';
const MAPPED = '0a00ca6c00000000' + '00000000000000000000ffffc0000201' + '00000000';
const LINK_LOCAL = '0a00ca6c00000000' + 'fe800000000000000000000000000002' + '01000000';

describeWith(['linux', 'koffi'], 'socket addresses', () => {
  let addresses: SocketAddresses;
  beforeAll(async () => {
    addresses = new SocketAddresses((await loadLibc()) as Libc);
  });

  it.each([
    ['192.0.2.1', AF_INET, IPV4, true],
    ['2001:db8::1', AF_INET6, IPV6, false],
    ['::ffff:192.0.2.1', AF_INET6, MAPPED, true],
    ['fe80::2%lo', AF_INET6, LINK_LOCAL, false],
  ])('are struct sockaddr for %s, and back', (text, family, hex, isIpv4) => {
    const bytes = addresses.encode(text, 0xca6c, family);
    expect(toHex(bytes!)).toBe(hex);
    expect(addresses.decode(bytes!)).toEqual({ address: text, port: 0xca6c });
    expect(isIpv4OnTheWire(bytes!)).toBe(isIpv4);
  });

  it('reach IPv4 from IPv6, and accept a numeric zone', () => {
    expect(toHex(addresses.encode('192.0.2.1', 0xca6c, AF_INET6)!)).toBe(MAPPED);
    expect(toHex(addresses.encode('fe80::2%1', 0xca6c, AF_INET6)!)).toBe(LINK_LOCAL);
  });

  it.each([
    ['example.com', AF_INET],
    ['192.0.2', AF_INET6],
    ['2001:db8::1', AF_INET],
    ['fe80::1%nosuch0', AF_INET6],
    ['', AF_INET],
  ])('are undefined for %j', (text, family) => {
    expect(addresses.encode(text, 1, family)).toBeUndefined();
  });

  it('contain the number of a zone that has no name', () => {
    const bytes = addresses.encode('fe80::1%999999', 1, AF_INET6);
    expect(addresses.decode(bytes!).address).toBe('fe80::1%999999');
  });
});
