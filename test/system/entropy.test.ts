import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openKernelEntropy, systemEntropy } from '../../src/system/entropy.js';

const folder = mkdtempSync(join(tmpdir(), 'arctun-entropy-'));
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ['of the process', systemEntropy],
  ['of the kernel', openKernelEntropy()],
])('%s fills all bytes, with different values each time', (_, entropy) => {
  const [one, other] = [new Uint8Array(1_000), new Uint8Array(1_000)];
  entropy.fill(one);
  entropy.fill(other);
  expect(one).not.toEqual(other);
  // About four of a thousand bytes are zero: that the last forty are all zero is no coincidence.
  expect(one.subarray(960).some((byte) => byte !== 0)).toBe(true);
});

it('of the kernel returns only the available bytes, without adding any', () => {
  const path = join(folder, 'known');
  writeFileSync(
    path,
    Uint8Array.from({ length: 10 }, (_, index) => index + 1),
  );
  const entropy = openKernelEntropy(path);
  const bytes = new Uint8Array(8);
  entropy.fill(bytes.subarray(2, 6));
  expect([...bytes]).toEqual([0, 0, 1, 2, 3, 4, 0, 0]);
  entropy.fill(bytes.subarray(0, 6));
  expect([...bytes]).toEqual([5, 6, 7, 8, 9, 10, 0, 0]);
  // Bytes that were never filled are not a key.
  expect(() => entropy.fill(bytes)).toThrow('ended unexpectedly');
  entropy.close();
});

it('fails if it is unavailable', () => {
  expect(() => openKernelEntropy(join(folder, 'nothing'))).toThrow('ENOENT');
});
