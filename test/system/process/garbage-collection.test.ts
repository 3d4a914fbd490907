/** V8's garbage collection in a program that allocates much, with the settings of `up`. */
import { Processes, REPOSITORY } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

const MODULE = `${REPOSITORY}dist/src/system/process/garbage-collection.js`;
const MEGABYTE = 1024 * 1024;

let processes: Processes;

beforeEach(() => {
  processes = new Processes();
});
afterEach(() => processes.close());

/** Returns the size in bytes after a million allocations, of which the newest 200,000 survive. */
async function sizeAfterWork(before: string): Promise<number> {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    const size = () =>
      getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;
    ${before}
    const kept = [];
    for (let index = 0; index < 1_000_000; index++) {
      kept[index % 200_000] = { index, next: [index] };
      // A process that handles packets returns to its event loop as often.
      if (index % 5_000 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    console.log(size());
  `;
  const command = [process.execPath, '--input-type=module', '-e', program, MODULE];
  const { stdout, stderr } = await processes.run(command);
  expect(stderr).toBe('');
  return Number(stdout);
}

/** Returns the most bytes in V8's old space while 100,000 of 3 million objects are alive. */
async function peakOfOldSpace(before: string): Promise<{ peak: number; trace: string }> {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    const used = () =>
      getHeapSpaceStatistics().find((space) => space.space_name === 'old_space').space_used_size;
    ${before}
    const kept = [];
    let peak = 0;
    for (let index = 0; index < 3_000_000; index++) {
      kept[index % 100_000] = { index, next: [index] };
      if (index % 5_000 !== 0) continue;
      await new Promise((resolve) => setTimeout(resolve));
      peak = Math.max(peak, used());
    }
    console.error(peak);
  `;
  const node = [process.execPath, '--trace-gc-nvp', '--input-type=module'];
  const { stdout, stderr } = await processes.run([...node, '-e', program, MODULE]);
  return { peak: Number(stderr), trace: stdout };
}

describeWith(['Node.js before 26'], 'the old generation', () => {
  const tune = 'const module = await import(process.argv[1]); module.tuneGarbageCollection();';

  it('stays small, and no pool thread collects new objects', async () => {
    const { peak, trace } = await peakOfOldSpace(tune);
    // The live objects take about 13 MB.
    expect(peak).toBeLessThan(40 * MEGABYTE);
    const parallel = [...trace.matchAll(/background\.scavenge\.parallel=([\d.]+)/g)];
    expect(parallel.length).toBeGreaterThan(10);
    const sum = parallel.reduce((total, [, milliseconds]) => total + Number(milliseconds), 0);
    expect(sum).toBe(0);
  }, 30_000);
});

describe('the young generation', () => {
  it('does not grow after the limit is set', async () => {
    const limit = 'const module = await import(process.argv[1]); module.limitYoungGeneration();';
    expect(await sizeAfterWork(limit)).toBeLessThanOrEqual(4 * MEGABYTE);
  }, 30_000);
});
