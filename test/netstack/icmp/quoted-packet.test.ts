import { readQuotedPacket } from '../../../src/netstack/icmp/quoted-packet.js';
import { addressKey } from '../../../src/wire/ip-address.js';
import { fragmentOf, OUR_V4, OUR_V6, PEER_V4, PEER_V6, udp, v4, v6 } from '../packets.js';

const DATAGRAM = udp([5, 7], [1, 2, 3], false);
const V4_ENDS = { from: OUR_V4, to: PEER_V4 };
const V6_ENDS = { from: OUR_V6, to: PEER_V6 };

/** Reads a quoted packet that follows three bytes and is cut to `length`. */
function read(packet: Uint8Array, isIpv6: boolean, length = packet.length) {
  const bytes = Uint8Array.of(9, 9, 9, ...packet, 8, 8);
  return readQuotedPacket(bytes, 3, 3 + length, isIpv6);
}

it('reads an IPv4 packet that a router quotes, and skips options', () => {
  const packet = v4(17, DATAGRAM, { ...V4_ENDS, options: [0x94, 4, 0, 0] });
  expect(read(packet, false, 32)).toEqual({
    source: OUR_V4,
    destination: PEER_V4,
    destinationKey: addressKey(PEER_V4),
    protocol: 17,
    upper: 27,
    sourcePort: 5,
    destinationPort: 7,
    length: 35,
  });
});

it('reads an IPv6 packet that a router quotes, even a first fragment', () => {
  const data = fragmentOf(17, DATAGRAM, { id: 1, start: 0, more: true });
  expect(read(v6(44, data, V6_ENDS), true)).toEqual({
    source: OUR_V6,
    destination: PEER_V6,
    destinationKey: addressKey(PEER_V6),
    protocol: 17,
    upper: 51,
    sourcePort: 5,
    destinationPort: 7,
    length: 59,
  });
});

it.each([
  ['a truncated header', v4(17, DATAGRAM), false, 19],
  ['seven bytes of the upper layer', v4(17, DATAGRAM), false, 27],
  ['a header that is too short', v4(17, DATAGRAM).fill(0x44, 0, 1), false, undefined],
  ['a later fragment', v4(17, DATAGRAM, { start: 8 }), false, undefined],
  ['a packet of the other family', v6(17, DATAGRAM), false, undefined],
  ['a truncated IPv6 header', v6(17, DATAGRAM), true, 39],
  ['seven bytes after the IPv6 header', v6(17, DATAGRAM), true, 47],
  ['IPv4 in ICMPv6', v4(17, [...DATAGRAM, ...DATAGRAM, ...DATAGRAM]), true, undefined],
  [
    'a later fragment of IPv6',
    v6(44, fragmentOf(17, DATAGRAM, { id: 1, start: 8, more: false })),
    true,
    undefined,
  ],
] as const)('ignores %s', (_, packet, isIpv6, length) => {
  expect(read(packet, isIpv6, length)).toBeUndefined();
});
