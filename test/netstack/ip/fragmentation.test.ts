import { PacketSlots, packetInSlot } from '../../../src/lib/packets/packet-slot.js';
import { fragment } from '../../../src/netstack/ip/fragmentation.js';
import { patternBytes } from '../../support/pairs/netstack-pair.js';
import { fragmentOf, OUR_V4, OUR_V6, PEER_V4, PEER_V6, v4, v6 } from '../packets.js';

const DATA = [...patternBytes(2000)];
const V4_ENDS = { from: OUR_V4, to: PEER_V4 };
const V6_ENDS = { from: OUR_V6, to: PEER_V6 };

function cut(packet: Uint8Array, mtu: number, identification: number): Uint8Array[] {
  const slots = new PacketSlots();
  const slot = slots.allocate(packet.length);
  packetInSlot(slot).set(packet);
  return fragment(slot, mtu, identification, slots).map((piece) => packetInSlot(piece).slice());
}

it('cuts IPv4 at multiples of eight bytes, each fragment with its checksum, and can fragment again', () => {
  const place = { ...V4_ENDS, id: 0xbeef };
  expect(cut(v4(17, DATA, V4_ENDS), 1000, 0x1beef)).toEqual([
    v4(17, DATA.slice(0, 976), { ...place, start: 0, more: true }),
    v4(17, DATA.slice(976, 1952), { ...place, start: 976, more: true }),
    v4(17, DATA.slice(1952), { ...place, start: 1952 }),
  ]);
});

it('cuts IPv6 with a fragment header', () => {
  const piece = (start: number, end: number, more: boolean) =>
    v6(44, fragmentOf(17, DATA.slice(start, end), { id: 0xdeadbeef, start, more }), V6_ENDS);
  expect(cut(v6(17, DATA, V6_ENDS), 1280, 0xdeadbeef)).toEqual([
    piece(0, 1232, true),
    piece(1232, 2000, false),
  ]);
});

it('ends at the end of the data', () => {
  expect(cut(v4(17, DATA.slice(0, 976 * 2)), 996, 1)).toHaveLength(2);
});
