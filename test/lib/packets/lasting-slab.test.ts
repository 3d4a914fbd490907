import { packetBuffer } from '../../../src/lib/packets/packet-memory.js';
import {
  PACKET_HEADROOM,
  PACKET_TAILROOM,
  PacketSlots,
} from '../../../src/lib/packets/packet-slot.js';

const isThere = (slot: Uint8Array) => slot.buffer === packetBuffer();

/** Allocates until all later slots are outside the memory for packets. */
function leave(slots: PacketSlots): void {
  while (isThere(slots.allocate(100_000)));
}

it('uses the memory for packets again when none of its slots is in use', () => {
  const [one, other] = [new PacketSlots(), new PacketSlots()];
  leave(one);
  one.recycle();
  const kept = other.allocate(1_000);
  expect(isThere(kept)).toBe(true);
  leave(one);
  expect(isThere(other.allocate(1_000))).toBe(false);
  one.recycle();
  expect(isThere(one.allocate(1_000))).toBe(false);
  one.recycle();
  other.recycle();
  expect(one.allocate(1_000)).toHaveLength(1_000 + PACKET_HEADROOM + PACKET_TAILROOM);
  one.recycle();
  const again = one.allocate(1_000);
  expect([isThere(again), again.byteOffset]).toEqual([true, kept.byteOffset]);
  one.recycle();
});

it('uses it again after one allocator has filled several slabs', () => {
  const slots = new PacketSlots();
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 1_000; index++) slots.allocate(1_420);
    slots.recycle();
    expect(isThere(slots.allocate(1_420))).toBe(true);
    slots.recycle();
  }
});
