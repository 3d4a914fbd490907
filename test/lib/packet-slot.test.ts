import {
  PACKET_HEADROOM,
  PACKET_TAILROOM,
  packetInSlot,
  PacketSlots,
} from '../../src/lib/packet-slot.js';

it('has the room that WireGuard needs around a packet', () => {
  const slot = new PacketSlots().allocate(100);
  expect(slot).toHaveLength(PACKET_HEADROOM + 100 + PACKET_TAILROOM);
  const packet = packetInSlot(slot);
  expect(packet).toHaveLength(100);
  packet[0] = 1;
  expect(slot[PACKET_HEADROOM]).toBe(1);
});

it('aligns packets, whatever the length of the previous packet', () => {
  const slots = new PacketSlots();
  for (let length = 40; length < 60; length++) {
    expect(packetInSlot(slots.allocate(length)).byteOffset % 4).toBe(0);
  }
});

it('never returns the same bytes twice, even across the end of a slab', () => {
  const slots = new PacketSlots();
  const all = Array.from({ length: 1000 }, () => slots.allocate(1420));
  all.forEach((slot, index) => slot.fill(index & 0xff));
  all.forEach((slot, index) => {
    expect(slot[0]).toBe(index & 0xff);
    expect(slot.at(-1)).toBe(index & 0xff);
  });
});

it('returns zeros, even for a packet larger than a slab', () => {
  expect(new PacketSlots().allocate(10).every((byte) => byte === 0)).toBe(true);
  expect(packetInSlot(new PacketSlots().allocate(300_000))).toHaveLength(300_000);
});

it('shares a slab with other allocators, so that many stacks use little memory', () => {
  const buffers = Array.from({ length: 100 }, () => new PacketSlots().allocate(100).buffer);
  expect(new Set(buffers).size).toBeLessThanOrEqual(2);
});
