/**
 * Checksums computed by Python's struct module; tshark verifies those of a whole capture in
 * test/interop.
 */
import { parseIpAddress } from '../../src/wire/ip-address.js';
import { createUdpPacket } from '../../src/wire/udp-packet.js';
import { fromHex, toHex } from '../support/hex.js';

const payload = fromHex('0400000001');

function at(address: string, port: number) {
  return { address: parseIpAddress(address)!, port };
}

it('writes an IPv4 packet', () => {
  const packet = createUdpPacket(at('192.0.2.1', 11010), at('198.51.100.2', 40000), payload);
  expect(toHex(packet)).toBe(
    '45000021000040004011' + '4e95' + 'c0000201c6336402' + '2b029c40000d' + '475a' + '0400000001',
  );
});

it('writes an IPv6 packet', () => {
  const packet = createUdpPacket(at('2001:db8::1', 11010), at('2001:db8::2', 40000), payload);
  expect(toHex(packet)).toBe(
    '60000000000d1140' +
      '20010db8000000000000000000000001' +
      '20010db8000000000000000000000002' +
      '2b029c40000d' +
      'd81c' +
      '0400000001',
  );
});

it.each([
  ['192.0.2.1', 65_507],
  ['2001:db8::1', 65_527],
])('accepts the maximum payload of a datagram from %s', (address, largest) => {
  const send = (length: number) =>
    createUdpPacket(at(address, 1), at(address, 2), new Uint8Array(length));
  const headers = address.includes(':') ? 48 : 28;
  expect(send(0)).toHaveLength(headers);
  expect(send(largest)).toHaveLength(headers + largest);
  expect(() => send(largest + 1)).toThrow(RangeError);
});

it('refuses two different families', () => {
  expect(() => createUdpPacket(at('192.0.2.1', 1), at('::1', 2), payload)).toThrow(RangeError);
});
