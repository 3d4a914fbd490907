import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import {
  PACKET_HEADROOM,
  PACKET_TAILROOM,
  packetInSlot,
  PacketSlots,
  messageInSlot,
} from '../../../src/lib/packets/packet-slot.js';
import { until } from '../../support/until.js';

setFlagsFromString('--expose-gc');

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

it('returns a slot for a packet larger than a slab', () => {
  expect(packetInSlot(new PacketSlots().allocate(600_000))).toHaveLength(600_000);
});

it('shares a slab with other allocators, so that many stacks use little memory', () => {
  const buffers = Array.from({ length: 100 }, () => new PacketSlots().allocate(100).buffer);
  expect(new Set(buffers).size).toBeLessThanOrEqual(2);
});

it('keeps no earlier slab for an allocator that has become idle', async () => {
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const idle = Array.from({ length: 50 }, () => new PacketSlots());
  // Each slot fills most of a slab.
  for (const slots of idle) slots.allocate(400_000);
  // V8 returns the memory of buffers in a thread of its own, after the collection.
  await until(() => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers - before < 10 * 1024 * 1024;
  });
  expect(idle).toHaveLength(50);
});

describe('the message in a slot', () => {
  it('is the headroom, the padded packet and the tag', () => {
    const slot = new PacketSlots().allocate(100);
    const message = messageInSlot(slot, 112);
    expect(message).toHaveLength(16 + 112 + 16);
    expect([message.buffer, message.byteOffset]).toEqual([slot.buffer, slot.byteOffset]);
  });

  it('fits a slot that does not belong to a slab', () => {
    expect(messageInSlot(new PacketSlots().allocate(600_000), 600_000)).toHaveLength(600_032);
    const slot = new Uint8Array(PACKET_HEADROOM + PACKET_TAILROOM);
    expect(messageInSlot(slot, 0)).toHaveLength(32);
  });
});

describe('recycle()', () => {
  /** Allocators that share a new slab, because no earlier one has room for their first slots. */
  function allocators(count: number): PacketSlots[] {
    const all = Array.from({ length: count }, () => new PacketSlots());
    all[0]!.allocate(512 * 1024 - PACKET_HEADROOM - PACKET_TAILROOM);
    return all;
  }

  it('returns the same objects again for packets of the same lengths', () => {
    const [slots] = allocators(1) as [PacketSlots];
    slots.recycle();
    const first = [100, 200, 300].map((length) => slots.allocate(length));
    slots.recycle();
    const second = [100, 200, 300].map((length) => slots.allocate(length));
    second.forEach((slot, index) => expect(slot).toBe(first[index]));
    const messages = second.map((slot) => messageInSlot(slot, 96));
    slots.recycle();
    const third = [100, 200, 300].map((length) => slots.allocate(length));
    third.forEach((slot, index) => expect(messageInSlot(slot, 96)).toBe(messages[index]));
    expect(messageInSlot(third[0]!, 100)).toHaveLength(132);
  });

  it('returns other slots without overlaps if the lengths differ', () => {
    const [slots] = allocators(1) as [PacketSlots];
    for (const lengths of [
      [100, 200, 300, 40],
      [200, 100, 300, 40],
      [41, 500, 7],
      [141, 500, 7],
      [100, 200],
    ]) {
      slots.recycle();
      const all = lengths.map((length) => slots.allocate(length));
      all.forEach((slot, index) => {
        expect(slot).toHaveLength(lengths[index]! + PACKET_HEADROOM + PACKET_TAILROOM);
        expect(slot.byteOffset % 4).toBe(0);
        slot.fill(index);
        messageInSlot(slot, 16).fill(index);
      });
      all.forEach((slot, index) => expect(slot.every((byte) => byte === index)).toBe(true));
    }
  });

  it('has no effect on slots while another allocator uses the slab', () => {
    const [one, other] = allocators(2) as [PacketSlots, PacketSlots];
    one.recycle();
    const kept = other.allocate(100);
    one.allocate(100);
    one.recycle();
    expect(one.allocate(100).byteOffset).toBeGreaterThan(kept.byteOffset);
    one.recycle();
    other.recycle();
    expect(one.allocate(100)).toBe(kept);
  });

  it('has no effect on an earlier slab', () => {
    const [slots] = allocators(1) as [PacketSlots];
    slots.recycle();
    const other = new PacketSlots();
    const kept = slots.allocate(1_000);
    while (other.allocate(100_000).buffer === kept.buffer);
    slots.recycle();
    const next = other.allocate(1_000);
    slots.recycle();
    expect(slots.allocate(1_000).byteOffset).toBeGreaterThan(next.byteOffset);
  });
});
