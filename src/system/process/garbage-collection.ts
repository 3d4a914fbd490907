/** How V8 collects garbage in `up`. docs/explanation/memory.md has measurements. */
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** The size in bytes, of both halves together, at which the young generation stops growing. */
const LARGEST = 4 * 1024 * 1024;

/** The interval, in ms, between checks whether the largest young generation has shrunk. */
const SHRINK_INTERVAL = 10_000;

/**
 * Makes collections use fewer threads and less memory, in all threads of the process. Without the
 * first flag, V8 divides each collection of new objects among its pool threads and waits for them.
 * These collections are so small that the division costs more than it saves. Without the second
 * flag, which V8 of Node.js 26 ignores, the heap may grow to several times the size of its live
 * objects before V8 collects.
 */
export function tuneGarbageCollection(): void {
  setFlagsFromString('--no-parallel-scavenge');
  setFlagsFromString('--heap-growing-percent=50');
}

/**
 * Limits the growth of V8's young generation, the part of the heap for new objects. By default, V8
 * enlarges it under load to 32 MB, and possibly never shrinks it. Garbage in the young generation
 * also delays freeing the buffers of packets, which are outside the heap.
 *
 * A garbage collection while idle may shrink the young generation to 2 MB. It must then be able to
 * grow again, because collecting so little garbage at a time costs CPU time under load: V8 copies
 * the objects that are still in use, and at the next collection, it moves them to the old
 * generation, whose collections delay requests by up to 60 ms.
 */
export function limitYoungGeneration(): void {
  // V8 changes the size only during a collection.
  const collections = new PerformanceObserver(() => {
    if (sizeOfYoungGeneration() >= LARGEST) fixSize();
  });
  const watch = (): void => collections.observe({ entryTypes: ['gc'] });
  // Under load, V8 collects several hundred times per second, and reporting each collection takes
  // about 2 % of the CPU time. The size cannot grow now, so it is enough to look from time to time.
  const fixSize = (): void => {
    collections.disconnect();
    setGrowthFactor(1);
    const timer = setInterval(() => {
      if (sizeOfYoungGeneration() >= LARGEST) return;
      clearInterval(timer);
      setGrowthFactor(2);
      watch();
    }, SHRINK_INTERVAL).unref();
  };
  if (sizeOfYoungGeneration() >= LARGEST) fixSize();
  else watch();
}

/**
 * Sets the factor by which V8 multiplies the size. --max-semi-space-size would not have an effect,
 * because V8 reads it only at startup.
 */
function setGrowthFactor(factor: 1 | 2): void {
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}

function sizeOfYoungGeneration(): number {
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  return space?.space_size ?? 0;
}
