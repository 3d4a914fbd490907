import { packetBuffer } from '../../src/lib/packets/packet-memory.js';
import { PacketSlots } from '../../src/lib/packets/packet-slot.js';

/** Whether no packet slots in the memory for packets are in use, except some of this function's. */
export function isPacketMemoryFree(): boolean {
  const slots = new PacketSlots();
  const isThere = () => slots.allocate(100_000).buffer === packetBuffer();
  while (isThere());
  slots.recycle();
  // The memory is used again only if no one else has slots in it.
  const isFree = isThere();
  slots.recycle();
  return isFree;
}
