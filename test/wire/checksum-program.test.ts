import { readFile } from 'node:fs/promises';

import { jest } from '@jest/globals';
import loadWabt from 'wabt';

import { allocatePacketMemory, packetBuffer } from '../../src/lib/packets/packet-memory.js';
import { copyAndSum, sumBytes } from '../../src/wire/checksum.js';
import { CHECKSUM_CODE } from '../../src/wire/checksum-code.js';
import { checksumProgram } from '../../src/wire/checksum-program.js';

it('sums and copies long parts of the memory for packets', () => {
  // The view does not begin at the start of the memory.
  allocatePacketMemory(1_001);
  const memory = allocatePacketMemory(10_000)!;
  const program = checksumProgram()!;
  expect(memory.buffer).toBe(packetBuffer());
  expect(memory.byteOffset).toBe(1_001);
  const sum = jest.spyOn(program, 'sum');
  const copy = jest.spyOn(program, 'copyAndSum');
  sumBytes(memory, 3, 600);
  copyAndSum(memory, 1_000, memory, 5, 600);
  expect([sum.mock.calls, copy.mock.calls]).toEqual([
    [[memory.byteOffset + 3, memory.byteOffset + 603]],
    [[memory.byteOffset + 1_000, memory.byteOffset + 5, memory.byteOffset + 605]],
  ]);
  sumBytes(new Uint8Array(600), 0, 600);
  copyAndSum(new Uint8Array(600), 0, memory, 0, 600);
  copyAndSum(memory, 0, new Uint8Array(600), 0, 600);
  expect([sum.mock.calls.length, copy.mock.calls.length]).toEqual([2, 1]);
});

it('runs the code of checksum.wat', async () => {
  const source = await readFile(new URL('../../src/wire/checksum.wat', import.meta.url), 'utf8');
  const module = (await loadWabt()).parseWat('checksum.wat', source, { simd: true });
  const { buffer } = module.toBinary({});
  expect(CHECKSUM_CODE).toBe(Buffer.from(buffer).toString('base64'));
});
