/** V8's young generation: the part of the heap that contains new objects. */
import { setFlagsFromString } from 'node:v8';

/**
 * Stops the growth of the young generation. By default, V8 enlarges it under load to 32 MB, and may
 * never shrink it. A large young generation also delays freeing the buffers of packets, which are
 * outside the heap. A garbage collection while idle may shrink the young generation to 2 MB, which
 * it then keeps. docs/explanation/performance.md has measurements.
 */
export function limitYoungGeneration(): void {
  // V8 multiplies the size by this factor. --max-semi-space-size would not have an effect, because
  // V8 reads it only at startup.
  setFlagsFromString('--semi-space-growth-factor=1');
}
