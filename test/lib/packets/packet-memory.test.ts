import {
  allocatePacketMemory,
  packetBuffer,
  packetMemory,
} from '../../../src/lib/packets/packet-memory.js';

it('is one memory of 1 MiB, each byte of which is allocated once', () => {
  expect([packetMemory(), packetBuffer()]).toEqual([undefined, undefined]);
  const parts = [allocatePacketMemory(600_000), allocatePacketMemory(448_576)];
  const buffer = packetBuffer()!;
  expect(parts.map((part) => [part?.buffer === buffer, part?.byteOffset, part?.length])).toEqual([
    [true, 0, 600_000],
    [true, 600_000, 448_576],
  ]);
  expect(packetMemory()?.buffer).toBe(buffer);
  expect(buffer.byteLength).toBe(1024 * 1024);
  expect(allocatePacketMemory(1)).toBeUndefined();
});
