/**
 * `bootstrap authkey --count` killed at system calls by which it changes something, then run again
 * until it has finished: it must never create more SIMs than requested, nor lose one.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type EmulatorProcess, startEmulatorProcess } from '../../support/emulator-process.js';
import { ARCTUN, type Finished, Processes } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';
import { atLength } from '../../support/runner/tier.js';

/** See kill.release.test.ts. Almost every request is a `writev` or a `sendto`. */
const SYSTEM_CALLS = ['pwrite64', 'writev', 'sendto', 'fsync', 'rename', 'link', 'unlink'];

const COUNT = 3;
/** The run and the next runs, of which some need the user's consent. */
const MOST_RUNS = 4;

interface Point {
  readonly call: string;
  readonly n: number;
}

const processes = new Processes();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-many-'));
});
afterAll(async () => {
  await processes.close();
  rmSync(folder, { recursive: true, force: true });
});

/** One emulator, and one run at a time. */
class Lane {
  readonly #emulator: EmulatorProcess;

  private constructor(emulator: EmulatorProcess) {
    this.#emulator = emulator;
  }

  static async open(): Promise<Lane> {
    return new Lane(await startEmulatorProcess(processes));
  }

  run(cwd: string, extra: readonly string[], tracer: readonly string[] = []): Promise<Finished> {
    const parameters = ['--count', `${COUNT}`, '--name-prefix', 's-', '--output-folder', 'sims'];
    const command = [process.execPath, ARCTUN, 'bootstrap', 'authkey', ...parameters, '--yes'];
    return processes.run([...tracer, ...command, ...extra], {
      cwd,
      env: {
        ...this.#emulator.env,
        STATE_DIRECTORY: join(cwd, 'state'),
        // All file operations in one thread, so that the nth call is the same one in each run.
        UV_THREADPOOL_SIZE: '1',
        NODE_DISABLE_COMPILE_CACHE: '1',
      },
    });
  }

  loseNextAnswer(): Promise<void> {
    return this.#emulator.fault({ operation: 'createSim', cut: 'after' });
  }

  async livingSims() {
    const sims = await this.#emulator.sims();
    return sims.filter(({ status }) => status !== 'terminated');
  }

  async terminateAll(): Promise<void> {
    for (const { simId } of await this.livingSims()) await this.#emulator.terminate(simId);
  }
}

function freshFolder(): string {
  return mkdtempSync(join(folder, 'run-'));
}

/** How often each system call is made, in the thread that makes it most often. */
async function countCalls(lane: Lane): Promise<Point[]> {
  const cwd = freshFolder();
  const log = join(cwd, 'trace');
  const tracer = ['strace', '-f', '-o', log, '-e', `trace=${SYSTEM_CALLS.join()}`];
  const { code, stderr } = await lane.run(cwd, [], tracer);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  await lane.terminateAll();
  const counts = new Map<string, Map<string, number>>();
  for (const [, thread = '', call = ''] of readFileSync(log, 'utf8').matchAll(
    /^(\d+) +(\w+)\(/gm,
  )) {
    const ofCall = counts.get(call) ?? new Map<string, number>();
    counts.set(call, ofCall.set(thread, (ofCall.get(thread) ?? 0) + 1));
  }
  return [...counts].flatMap(([call, byThread]) =>
    Array.from({ length: Math.max(...byThread.values()) }, (_, index) => ({ call, n: index + 1 })),
  );
}

/** @returns how the next runs went */
async function killAt(lane: Lane, { call, n }: Point): Promise<string> {
  const cwd = freshFolder();
  const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${n}`];
  const killed = await lane.run(cwd, [], ['strace', '-f', '-qq', '-o', '/dev/null', ...inject]);
  const ways = killed.code === 0 ? ['is not killed'] : [];
  let extra: string[] = [];
  for (let runs = 0; runs < MOST_RUNS; runs++) {
    expect((await lane.livingSims()).length).toBeLessThanOrEqual(COUNT);
    const { code, stderr } = await lane.run(cwd, extra);
    if (code === 0) {
      await expectAll(lane, cwd);
      await lane.terminateAll();
      return [...ways, 'finishes'].join(', ');
    }
    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(stderr).toContain(`of ${COUNT} SIMs exist in sims`);
    const [, simId] = /--adopt (\d+)/.exec(stderr) ?? [];
    if (simId === undefined) expect(stderr).toContain('no new SIMs are listed yet');
    extra = simId === undefined ? ['--create-another'] : ['--adopt', simId];
    ways.push(simId === undefined ? 'asks to create another' : 'names the lost SIM');
  }
  throw new Error(`not finished after ${MOST_RUNS} runs`);
}

/** Each SIM that exists has a file with its key, and the name of the file. */
async function expectAll(lane: Lane, cwd: string): Promise<void> {
  const all = readdirSync(join(cwd, 'sims')).sort();
  expect(all.filter((name) => name.endsWith('.bootstrap'))).toEqual([]);
  // The temporary file of a journal that was never used stays, and contains no key.
  const names = all.filter((name) => !name.endsWith('.tmp'));
  expect(names).toEqual(Array.from({ length: COUNT }, (_, index) => `s-${index + 1}.json`));
  const files = names.map((name) => {
    const text = readFileSync(join(cwd, 'sims', name), 'utf8');
    const { simId, publicKey } = JSON.parse(text) as Record<string, string>;
    return { simId, publicKey, name: name.replace('.json', '') };
  });
  const sims = await lane.livingSims();
  const found = sims.map(({ simId, publicKey, tags }) => ({ simId, publicKey, name: tags.name }));
  const byName = (one: { name: string | undefined }, other: { name: string | undefined }) =>
    (one.name ?? '') < (other.name ?? '') ? -1 : 1;
  expect(found.sort(byName)).toEqual(files.sort(byName));
}

describeWith(['strace'], 'bootstrap authkey --count, killed', () => {
  it('creates each SIM once, and loses none', async () => {
    const lanes = [await Lane.open(), await Lane.open()];
    const all = await countCalls(lanes[0]!);
    const step = atLength({ short: 8, long: 1 });
    const points = all.filter((_, index) => index % step === 0);
    const ways = new Map<string, number>();
    await Promise.all(
      lanes.map(async (lane) => {
        for (let point = points.shift(); point !== undefined; point = points.shift()) {
          const way = await killAt(lane, point);
          ways.set(way, (ways.get(way) ?? 0) + 1);
        }
      }),
    );
    const lines = [...ways].map(([way, count]) => `  ${way}: ${count} calls\n`);
    process.stdout.write(`\nbootstrap authkey --count, killed:\n${lines.sort().join('')}`);
    expect([...ways.keys()]).toContain('finishes');
    // The number of requests' writes may differ between two runs, but not much.
    expect(ways.get('is not killed, finishes') ?? 0).toBeLessThanOrEqual(2);
  }, 900_000);

  it('names the SIM of a request without an answer, and adopts it if the user agrees', async () => {
    const lane = await Lane.open();
    const cwd = freshFolder();
    await lane.loseNextAnswer();
    const first = await lane.run(cwd, []);
    expect(first.stderr).toContain(`0 of ${COUNT} SIMs exist in sims`);
    const second = await lane.run(cwd, []);
    const [, simId = ''] = /--adopt (\d+)/.exec(second.stderr) ?? [];
    expect((await lane.livingSims()).map((sim) => sim.simId)).toContain(simId);
    expect(await lane.run(cwd, ['--adopt', simId])).toMatchObject({ code: 0 });
    await expectAll(lane, cwd);
  });
});
