/** The size of V8's young generation while many new objects survive. */
import { Processes, REPOSITORY } from '../../support/processes.js';

const MODULE = `${REPOSITORY}dist/src/system/process/young-generation.js`;
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

it('does not grow after the limit is set', async () => {
  const limit = 'const module = await import(process.argv[1]); module.limitYoungGeneration();';
  expect(await sizeAfterWork(limit)).toBeLessThanOrEqual(4 * MEGABYTE);
}, 30_000);

it('grows without a limit, so that the test above shows an effect', async () => {
  expect(await sizeAfterWork('')).toBeGreaterThan(16 * MEGABYTE);
}, 30_000);
