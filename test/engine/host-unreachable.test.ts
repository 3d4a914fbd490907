import { HostUnreachable } from '../../src/engine/host-unreachable.js';
import { packetInSlot, PacketSlots } from '../../src/lib/packets/packet-slot.js';
import {
  fragmentOf,
  icmp,
  icmpv6,
  isIntact,
  OUR_V4,
  OUR_V6,
  PEER_V4,
  PEER_V6,
  v4,
  type V4Fields,
  v6,
  word,
} from '../netstack/packets.js';
import { ip } from '../support/pairs/netstack-pair.js';
import { slotWith } from '../support/pairs/wireguard-pair.js';
import { pattern } from './tun/frames.js';

const slots = new PacketSlots();

/** The error that answers an outgoing packet which cannot be delivered. */
function about(packet: Uint8Array, mtu = 1420): Uint8Array | undefined {
  const slot = new HostUnreachable(mtu).about(slotWith(slots, packet), 0);
  return slot && packetInSlot(slot);
}

function ours4(protocol: number, data: readonly number[], fields: V4Fields = {}): Uint8Array {
  return v4(protocol, data, { from: OUR_V4, to: PEER_V4, ...fields });
}

function ours6(protocol: number, data: readonly number[], to = PEER_V6): Uint8Array {
  return v6(protocol, data, { from: OUR_V6, to });
}

it('is host unreachable over IPv4, from the unreachable host, and quotes the packet', () => {
  const packet = ours4(6, pattern(20));
  const error = about(packet)!;
  expect(isIntact(error)).toBe(true);
  expect(error).toHaveLength(20 + 8 + packet.length);
  expect([...error.subarray(2, 4)]).toEqual(word(error.length));
  expect(error[9]).toBe(1);
  expect([...error.subarray(12, 20)]).toEqual([...PEER_V4, ...OUR_V4]);
  // RFC 792: destination unreachable, host unreachable, four bytes unused.
  expect([...error.subarray(20, 22), ...error.subarray(24, 28)]).toEqual([3, 1, 0, 0, 0, 0]);
  expect(error.subarray(28)).toEqual(packet);
});

it('is address unreachable over IPv6', () => {
  const packet = ours6(17, pattern(20));
  const error = about(packet)!;
  expect(isIntact(error)).toBe(true);
  expect([...error.subarray(4, 8)]).toEqual([...word(8 + packet.length), 58, 64]);
  expect([...error.subarray(8, 40)]).toEqual([...PEER_V6, ...OUR_V6]);
  // RFC 4443 3.1.
  expect([...error.subarray(40, 42), ...error.subarray(44, 48)]).toEqual([1, 3, 0, 0, 0, 0]);
  expect(error.subarray(48)).toEqual(packet);
});

it('quotes up to 576 bytes, 1,280 for IPv6, or the MTU', () => {
  expect(about(ours4(6, pattern(1400)))).toHaveLength(576);
  expect(about(ours6(6, pattern(1380)))).toHaveLength(1280);
  expect(about(ours4(6, pattern(1400)), 500)).toHaveLength(500);
});

it.each([
  ['an echo request', ours4(1, icmp(8, 0, pattern(20)))],
  ['a first fragment', ours4(17, pattern(24), { more: true })],
  ['an echo request of IPv6', ours6(58, icmpv6(128, 0, pattern(20)))],
  [
    'a first fragment of IPv6',
    ours6(44, fragmentOf(17, pattern(24), { id: 1, start: 0, more: true })),
  ],
  ['a header with options', ours4(6, pattern(20), { options: [1, 1, 1, 0] })],
])('answers %s', (_name, packet) => {
  expect(about(packet)).toBeDefined();
});

it.each([
  ['an error', ours4(1, icmp(3, 1, pattern(28)))],
  ['an error of another type', ours4(1, icmp(11, 0, pattern(28)))],
  ['ICMP without a type', ours4(1, [])],
  ['a later fragment', ours4(17, pattern(24), { start: 8 })],
  ['a multicast packet', ours4(17, pattern(24), { to: ip('224.0.0.251') })],
  ['a broadcast', ours4(17, pattern(24), { to: ip('255.255.255.255') })],
  ['a packet from the unspecified address', ours4(17, pattern(24), { from: ip('0.0.0.0') })],
  ['a packet from a multicast address', ours4(17, pattern(24), { from: ip('224.0.0.1') })],
  ['an error of IPv6', ours6(58, icmpv6(1, 3, pattern(48)))],
  ['a redirect of IPv6', ours6(58, icmpv6(137, 0, pattern(48)))],
  ['ICMPv6 without a type', ours6(58, [])],
  [
    'an error after an extension header',
    ours6(60, [58, 0, 1, 4, 0, 0, 0, 0, ...icmpv6(1, 3, pattern(48))]),
  ],
  [
    'a later fragment of IPv6',
    ours6(44, fragmentOf(17, pattern(24), { id: 1, start: 8, more: true })),
  ],
  ['an IPv6 multicast packet', ours6(17, pattern(24), ip('ff02::fb'))],
  [
    'a packet from the IPv6 unspecified address',
    v6(17, pattern(24), { from: ip('::'), to: PEER_V6 }),
  ],
  ['a header that is too short', ours4(6, pattern(20)).map((byte, at) => (at === 0 ? 0x44 : byte))],
])('does not answer %s', (_name, packet) => {
  expect(about(packet)).toBeUndefined();
});

it('answers 100 packets at once and 100 per second, not counting unanswered packets', () => {
  const unreachable = new HostUnreachable(1420);
  const answers = (count: number, now: number, packet = ours4(6, pattern(20))) => {
    const said = Array.from({ length: count }, () =>
      unreachable.about(slotWith(slots, packet), now),
    );
    return said.filter((slot) => slot !== undefined).length;
  };
  expect(answers(50, 1000, ours4(1, icmp(3, 1, pattern(28))))).toBe(0);
  expect(answers(200, 1000)).toBe(100);
  expect(answers(200, 1500)).toBe(50);
});

it('does not prevent the reuse of packet slots', () => {
  const own = new PacketSlots();
  // Begins a new slab, in which only this allocator has slots.
  own.allocate(500_000);
  own.recycle();
  const first = slotWith(own, ours4(6, pattern(20)));
  expect(new HostUnreachable(1420).about(first, 0)).toBeDefined();
  own.recycle();
  expect(own.allocate(40)).toBe(first);
});
