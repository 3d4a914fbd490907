/** Jest runs that would not end on their own, with the safeguards of jest.config.js. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Finished, Processes, REPOSITORY } from '../processes.js';

const JEST = `${REPOSITORY}node_modules/jest/bin/jest.js`;
/** Far longer than these runs take. */
const PATIENCE = 200_000;

/** Milliseconds; a busy machine may block the event loop of a sound file for a few seconds. */
const HANG_LIMIT = 20_000;

const LISTENER = `
  test('fails behind a listener', async () => {
    const server = require('node:net').createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    throw new Error('planted');
  });
`;
const DIAL = `
  test('waits for a dial that is never done', () => new Promise(() => undefined), 200);
`;
const LOOP = `
  test('never leaves its turn', () => {
    for (;;);
  });
`;
const BUSY = `
  test.each([1, 2, 3])('blocks the event loop for less than the limit: %s', () => {
    for (const start = Date.now(); Date.now() - start < 5_000; );
  });
`;
const SLOW = `
  beforeAll(() => new Promise((resolve) => setTimeout(resolve, 300)), 100);
  test('takes longer than its limit', () => new Promise((resolve) => setTimeout(resolve, 300)), 100);
`;
const SOUND = `
  test('passes', () => undefined);
`;
const ENDS = `
  globalThis.afterFile.push(() => {
    throw new Error('planted ' + (ended ? 'after' : 'before') + ' the hooks');
  });
  let ended = false;
  afterAll(() => (ended = true));
  test('passes', () => undefined);
`;

const processes = new Processes();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-run-ends-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(() => processes.close());

/** Runs these files with short limits; a run that does not end is killed and has no exit code. */
function run(workers: string, ...files: readonly string[]): Promise<Finished> {
  return runWith({}, workers, files);
}

async function runWith(
  options: object,
  workers: string,
  files: readonly string[],
): Promise<Finished> {
  files.forEach((text, index) => writeFileSync(join(folder, `${index}.test.js`), text));
  const config = {
    rootDir: folder,
    cacheDirectory: join(folder, 'cache'),
    testEnvironment: `${REPOSITORY}test/support/runner/watched-environment.js`,
    testEnvironmentOptions: { hangLimit: HANG_LIMIT, ...options },
    reporters: ['default', [`${REPOSITORY}test/support/runner/run-ends.js`, { grace: 500 }]],
    transform: {},
  };
  const node = [process.execPath, '--experimental-vm-modules', JEST];
  const jest = processes.start([...node, '--config', JSON.stringify(config), workers]);
  const timer = setTimeout(() => jest.kill('SIGKILL'), PATIENCE);
  try {
    return await jest.finished;
  } finally {
    clearTimeout(timer);
  }
}

it.each(['-i', '-w=2'])(
  'a run ends if a failed test left a listener, or waits forever: %s',
  async (workers) => {
    const { code, stderr } = await run(workers, LISTENER, DIAL, SOUND);
    expect(stderr).toContain('2 failed, 1 passed');
    expect(code).toBe(1);
  },
  2 * PATIENCE,
);

it('a run whose tests pass also fails, and reports what was left open', async () => {
  const left = LISTENER.replace(`throw new Error('planted');`, '');
  const { code, stderr } = await run('-i', left);
  expect(stderr).toContain('1 passed');
  expect(stderr).toMatch(
    /^The tests left handles open: .*TCPServerWrap.* The run fails and ends\.$/m,
  );
  expect(code).toBe(1);
}, 120_000);

it('a file with an endless loop is reported, and the others are run', async () => {
  const { code, stderr } = await run('-w=2', LOOP, SOUND);
  expect(stderr).toMatch(/no turn of the event loop in 20 s: .*0\.test\.js/);
  expect(stderr).toContain('1 failed, 1 passed');
  expect(code).toBe(1);
}, 120_000);

it('a file may block the event loop for longer than one test may', async () => {
  const { code, stderr } = await runWith({ hangLimit: 10_000 }, '-i', [BUSY]);
  expect(stderr).toContain('3 passed');
  expect(code).toBe(0);
}, 120_000);

it('a configuration can raise the limits of tests and hooks', async () => {
  expect(await runWith({}, '-i', [SLOW])).toMatchObject({ code: 1 });
  expect(await runWith({ leastTimeout: 60_000 }, '-i', [SLOW])).toMatchObject({ code: 0 });
});

it('a file fails if a function throws that it calls after its hooks', async () => {
  const { code, stderr } = await run('-i', ENDS);
  expect(stderr).toContain('planted after the hooks');
  expect(stderr).toContain('Test Suites: 1 failed');
  expect(code).toBe(1);
}, 120_000);
