import { randomFillSync } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

import type { Entropy } from '../ports/entropy.js';

export const systemEntropy: Entropy = { fill: (bytes) => void randomFillSync(bytes) };

/**
 * Opens the kernel's random source, for a process that may be started from a memory snapshot.
 * Copies of a snapshot share the state of node:crypto and would generate the same bytes, but the
 * kernel is notified when a copy starts, and reseeds.
 *
 * @throws Error with the system's `code` if /dev/urandom cannot be read
 */
export function openKernelEntropy(path = '/dev/urandom'): Entropy & { close(): void } {
  const descriptor = openSync(path, 'r');
  return {
    fill: (bytes) => {
      for (let offset = 0; offset < bytes.length;) {
        const length = readSync(descriptor, bytes, offset, bytes.length - offset, null);
        if (length === 0) throw new Error(`${path} ended unexpectedly`);
        offset += length;
      }
    },
    close: () => closeSync(descriptor),
  };
}
