import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

import type { Entropy } from '../ports/entropy.js';

export const systemEntropy: Entropy = { fill: (bytes) => void randomFillSync(bytes) };

/**
 * The kernel's own, for a process that may be started from a copy of its memory: what node:crypto draws
 * from is in that memory, and copies would draw the same. The kernel is told of a copy, and begins anew.
 *
 * @throws Error with the system's `code` where /dev/urandom cannot be read
 */
export function openKernelEntropy(path = '/dev/urandom'): Entropy & { close(): void } {
  const descriptor = openSync(path, 'r');
  return {
    fill: (bytes) => {
      for (let offset = 0; offset < bytes.length;) {
        const length = readSync(descriptor, bytes, offset, bytes.length - offset, null);
        if (length === 0) throw new Error(`${path} has ended`);
        offset += length;
      }
    },
    close: () => closeSync(descriptor),
  };
}
