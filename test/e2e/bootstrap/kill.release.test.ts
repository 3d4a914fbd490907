/**
 * `bootstrap authkey` killed at each system call by which it changes something, then run again: it
 * must never create a second SIM without the user's consent, nor leave a SIM that is not reported.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmulatorProcess, startEmulatorProcess } from '../../support/emulator-process.js';
import { ARCTUN, Processes, type Finished } from '../../support/processes.js';
import { describeWith } from '../../support/runner/requirements.js';

/**
 * Calls that write, sync, create or remove names, connect or send. Of the calls of `write`, only
 * those on OUTPUT: the hundreds of others wake a thread of the same process, and leave what the
 * previous call left.
 */
const SYSTEM_CALLS = [
  'write',
  'pwrite64',
  'writev',
  'sendto',
  'sendmsg',
  'fsync',
  'fdatasync',
  'rename',
  'renameat',
  'renameat2',
  'link',
  'linkat',
  'unlink',
  'unlinkat',
  'connect',
];

/** The file for the standard output of a traced run. */
const OUTPUT = 'output';

/** A point at which the process is killed: the nth call of a name, in one of its threads. */
interface Point {
  readonly call: string;
  readonly n: number;
}

interface Outcome extends Point {
  /** The state after the killed run: SIMs that exist, and files. */
  readonly left: string;
  /** The result of the next run. */
  readonly next: string;
}

const processes = new Processes();
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'arctun-kill-'));
});
afterAll(async () => {
  await processes.close();
  rmSync(folder, { recursive: true, force: true });
});

/** One emulator, and one run of bootstrap at a time. */
class Lane {
  readonly emulator: EmulatorProcess;
  readonly #parameters: readonly string[];
  #runs = 0;

  private constructor(emulator: EmulatorProcess, parameters: readonly string[]) {
    this.emulator = emulator;
    this.#parameters = parameters;
  }

  static async open(parameters: readonly string[]): Promise<Lane> {
    return new Lane(await startEmulatorProcess(processes), parameters);
  }

  /** A folder that was not used by another run. */
  freshFolder(): string {
    const path = mkdtempSync(join(folder, `run-${this.#runs++}-`));
    mkdirSync(join(path, 'state'));
    return path;
  }

  run(
    cwd: string,
    extra: readonly string[] = [],
    tracer: readonly string[] = [],
  ): Promise<Finished> {
    return processes.run(
      [...tracer, process.execPath, ARCTUN, 'bootstrap', 'authkey', ...this.#parameters, ...extra],
      {
        cwd,
        env: {
          ...this.emulator.env,
          STATE_DIRECTORY: join(cwd, 'state'),
          // All file operations in one thread, so that the nth call is the same one in each run.
          UV_THREADPOOL_SIZE: '1',
          NODE_DISABLE_COMPILE_CACHE: '1',
        },
      },
    );
  }

  /** The SIMs that exist and are not terminated. */
  async livingSims(): Promise<{ simId: string; publicKey: string }[]> {
    const sims = await this.emulator.sims();
    return sims.filter(({ status }) => status !== 'terminated');
  }

  async terminateAll(): Promise<void> {
    for (const { simId } of await this.livingSims()) await this.emulator.terminate(simId);
  }
}

/** Standard output goes to OUTPUT. `-y` prints the file of each descriptor. */
function strace(cwd: string, log: string, ...options: readonly string[]): string[] {
  const output = ['sh', '-c', 'exec "$@" > "$0"', join(cwd, OUTPUT)];
  return [...output, 'strace', '-f', '-y', '-o', log, ...options];
}

/** How often each system call is made, in the thread that makes it most often. */
async function countCalls(lane: Lane): Promise<Point[]> {
  const cwd = lane.freshFolder();
  const log = join(cwd, 'trace');
  const tracer = strace(cwd, log, '--seccomp-bpf', '-e', `trace=${SYSTEM_CALLS.join()}`);
  const { code, stderr } = await lane.run(cwd, [], tracer);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  await lane.terminateAll();
  const counts = new Map<string, Map<string, number>>();
  for (const [, thread = '', call = '', parameters = ''] of readFileSync(log, 'utf8').matchAll(
    /^(\d+) +(\w+)\((.*)$/gm,
  )) {
    if (call === 'write' && !parameters.includes(`/${OUTPUT}>`)) continue;
    const ofCall = counts.get(call) ?? new Map<string, number>();
    counts.set(call, ofCall.set(thread, (ofCall.get(thread) ?? 0) + 1));
  }
  return [...counts].flatMap(([call, byThread]) =>
    Array.from({ length: Math.max(...byThread.values()) }, (_, index) => ({ call, n: index + 1 })),
  );
}

function filesIn(cwd: string): string[] {
  return readdirSync(cwd).filter((name) => !['state', 'trace', OUTPUT].includes(name));
}

function publicKeyIn(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  return (JSON.parse(readFileSync(path, 'utf8')) as { publicKey: string }).publicKey;
}

async function killAt(lane: Lane, point: Point): Promise<Outcome> {
  const cwd = lane.freshFolder();
  // Without --seccomp-bpf: it prevents the injection of a signal that stops a process.
  const trace = ['-qq', '-e', `trace=${point.call}`];
  if (point.call === 'write') trace.push('-P', join(cwd, OUTPUT));
  const inject = ['-e', `inject=${point.call}:signal=KILL:when=${point.n}`];
  const killed = await lane.run(cwd, [], strace(cwd, '/dev/null', ...trace, ...inject));
  const sims = await lane.livingSims();
  const files = filesIn(cwd);
  const left = `${killed.code === 0 ? 'ended' : 'killed'}; ${sims.length} SIM; ${files.join(' ')}`;
  expect(sims.length).toBeLessThanOrEqual(1);
  // Nothing was done: the next run is like a first one.
  if (sims.length === 0 && files.length === 0) return { ...point, left, next: 'starts over' };
  const next = await runAgain(lane, cwd, sims[0]?.simId);
  await lane.terminateAll();
  return { ...point, left, next };
}

/** Runs again without the user's consent, then with it if that is requested. */
async function runAgain(lane: Lane, cwd: string, simId: string | undefined): Promise<string> {
  const before = filesIn(cwd);
  const second = await lane.run(cwd);
  const sims = await lane.livingSims();
  expect(sims.length).toBeLessThanOrEqual(1);
  if (second.code === 0) {
    expect(sims.map((sim) => sim.publicKey)).toEqual([publicKeyIn(join(cwd, 'arc.json'))]);
    // A partial file stays only if no journal recorded it, and then it contains no key.
    const hadJournal = before.includes('.arc.json.bootstrap');
    if (hadJournal) expect(filesIn(cwd)).toEqual(['arc.json']);
    expect(filesIn(cwd)).not.toContain('.arc.json.bootstrap');
    return 'finishes it';
  }
  // It creates nothing by itself, and reports what exists.
  expect(second).toMatchObject({ code: 1 });
  expect(sims.length).toBe(simId === undefined ? 0 : 1);
  expect(second.stderr).toContain(simId ?? 'no new SIMs are listed yet');
  const word = simId === undefined ? ['--create-another'] : ['--adopt', simId];
  const third = await lane.run(cwd, word);
  expect(third).toMatchObject({ code: 0 });
  const [sim, ...others] = await lane.livingSims();
  expect(others).toEqual([]);
  expect(sim?.publicKey).toBe(publicKeyIn(join(cwd, 'arc.json')));
  return simId === undefined ? 'asks, then creates it' : 'names it, then adopts it';
}

async function matrix(parameters: readonly string[]): Promise<Outcome[]> {
  const lanes = [await Lane.open(parameters), await Lane.open(parameters)];
  const points = await countCalls(lanes[0]!);
  const outcomes: Outcome[] = [];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let point = points.shift(); point !== undefined; point = points.shift()) {
        outcomes.push(await killAt(lane, point));
      }
    }),
  );
  return outcomes;
}

/** 1 to 4, 7 for 3, 1, 2, 4, 7. */
function ranges(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((first, second) => first - second);
  const starts = sorted.filter((n) => !numbers.includes(n - 1));
  const ends = sorted.filter((n) => !numbers.includes(n + 1));
  return starts
    .map((start, index) => (start === ends[index] ? start : `${start} to ${ends[index]!}`))
    .join(', ');
}

/** One line for each kind of outcome: the calls at which it occurred. */
function print(name: string, outcomes: readonly Outcome[]): void {
  const groups = new Map<string, Map<string, number[]>>();
  for (const { left, next, call, n } of outcomes) {
    const plain = left.replaceAll(/[0-9a-f]{12}/g, '*');
    const key = `${plain} → ${next}`;
    const calls = groups.get(key) ?? new Map<string, number[]>();
    groups.set(key, calls.set(call, [...(calls.get(call) ?? []), n]));
  }
  const lines = [...groups].map(([key, calls]) => {
    const places = [...calls].map(([call, numbers]) => `${call} ${ranges(numbers)}`);
    return `  ${key}\n    at ${places.join('; ')}\n`;
  });
  process.stdout.write(`\n${name}: killed at ${outcomes.length} calls\n${lines.sort().join('')}`);
}

describeWith(['strace'], 'bootstrap authkey, killed', () => {
  it.each([
    ['without flags', []],
    ['with --own-key', ['--own-key']],
  ])(
    '%s: no extra SIM, and no unreported SIM',
    async (name, parameters) => {
      const outcomes = await matrix(parameters);
      print(`bootstrap authkey ${name}`, outcomes);
      // Among them are those at which a file is partially written.
      expect(outcomes.some(({ call, left }) => call === 'pwrite64' && left.includes('.tmp'))).toBe(
        true,
      );
      const kinds = new Set(outcomes.map(({ next }) => next));
      // The matrix is only meaningful if it has met each of these.
      expect(kinds).toContain('starts over');
      expect(kinds).toContain('finishes it');
      expect(kinds).toContain('asks, then creates it');
      expect(kinds).toContain('names it, then adopts it');
      expect(outcomes.filter(({ call }) => call === 'write').length).toBeGreaterThanOrEqual(2);
      // The point of each outcome is where the process ended.
      expect(outcomes.filter(({ left }) => !left.startsWith('killed'))).toEqual([]);
    },
    600_000,
  );
});
