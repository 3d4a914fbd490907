/** What is summed if a part of WebAssembly is missing. */
import { jest } from '@jest/globals';

import { patternBytes } from '../support/pairs/netstack-pair.js';

const real = { ...Object.getOwnPropertyDescriptors(WebAssembly) };

beforeEach(() => jest.resetModules());
afterEach(() => {
  Object.defineProperty(WebAssembly, 'Memory', real.Memory);
  Object.defineProperty(WebAssembly, 'Module', real.Module);
});

/** Makes a constructor of WebAssembly fail, and counts its calls. */
function refuse(name: 'Memory' | 'Module'): jest.Mock {
  const constructor = jest.fn(() => {
    throw new RangeError('not available');
  });
  Object.defineProperty(WebAssembly, name, { value: constructor, configurable: true });
  return constructor;
}

async function load() {
  const { allocatePacketMemory } = await import('../../src/lib/packets/packet-memory.js');
  const { copyAndSum, finishChecksum, sumBytes } = await import('../../src/wire/checksum.js');
  const { PacketSlots } = await import('../../src/lib/packets/packet-slot.js');
  const sums = (memory: Uint8Array) => {
    memory.set(patternBytes(1_000));
    const sum = finishChecksum(sumBytes(memory, 0, 1_000));
    const copied = finishChecksum(copyAndSum(memory, 1_000, memory, 0, 1_000));
    return [sum, copied, Buffer.compare(memory.subarray(0, 1_000), memory.subarray(1_000))];
  };
  return { allocatePacketMemory, PacketSlots, sums };
}

it('is the same without the memory, which is requested only once', async () => {
  const { sums: expected } = await load();
  const usual = expected(new Uint8Array(2_000));
  jest.resetModules();
  const memory = refuse('Memory');
  const { allocatePacketMemory, PacketSlots, sums } = await load();
  expect([allocatePacketMemory(1), allocatePacketMemory(1)]).toEqual([undefined, undefined]);
  const slots = new PacketSlots();
  const all = Array.from({ length: 1_000 }, () => slots.allocate(1_420));
  expect(new Set(all).size).toBe(1_000);
  expect(sums(new Uint8Array(2_000))).toEqual(usual);
  expect(memory).toHaveBeenCalledTimes(1);
});

it('is the same without vector instructions, which are tried only once', async () => {
  const module = refuse('Module');
  const { allocatePacketMemory, sums } = await load();
  const there = sums(allocatePacketMemory(2_000)!);
  expect(there).toEqual(sums(new Uint8Array(2_000)));
  expect(there[2]).toBe(0);
  expect(module).toHaveBeenCalledTimes(1);
});
