/**
 * The CPU time of each turn of the event loops in a process. A library in LD_PRELOAD reads the
 * thread's CPU clock before and after each wait, because:
 *
 * - Wall-clock time, such as that of `perf_hooks`, includes the time of other processes on the core.
 * - A hook in JavaScript, such as `setImmediate`, would keep the loop from waiting, allocate memory,
 *   and miss parts of the turn. strace would stop the thread at each wait.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('./turn-clock.c', import.meta.url));

/** The layout of the file; turn-clock.c has the same constants. */
const THREADS = 16;
const STEPS = 10_000;
const STEP_MS = 0.01;
const THREAD_START = 8;
const COUNTS = 16;
const THREAD_LENGTH = COUNTS + STEPS * 4;

/** The goal for one turn. */
export const LIMIT_MS = 10;

const ZEROS = Buffer.alloc(THREAD_LENGTH - 8);

/**
 * Milliseconds. The other threads of a process that starts use a part of BUSY_MS, more on a slow
 * machine.
 */
const BUSY_MS = 80;
const WAIT_MS = 200;

/** Programs with one turn of much CPU time, and with one that waits for longer. */
const BUSY = `
  const used = () => { const { user, system } = process.cpuUsage(); return user + system; };
  for (const start = used(); used() - start < ${BUSY_MS * 1_000};);`;
const WAITING = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${WAIT_MS});`;

export class TurnClock {
  #file;
  #library;
  #path;

  /** @throws Error if no C compiler is installed */
  constructor(folder) {
    this.#library = join(folder, 'turn-clock.so');
    this.#path = join(folder, 'turns');
    execFileSync('cc', ['-O2', '-Wall', '-shared', '-fPIC', '-o', this.#library, SOURCE, '-ldl']);
    this.#file = openSync(this.#path, 'w+', 0o600);
    this.forget();
  }

  /** Returns a command that runs the given one with the clock. */
  around(command) {
    return ['env', `LD_PRELOAD=${this.#library}`, `TURN_CLOCK_FILE=${this.#path}`, ...command];
  }

  /** @throws Error if the clock misses CPU time, or counts other time, with this Node.js */
  check() {
    const busy = this.#turnsOf(BUSY);
    const isOne = ({ longest, over }) =>
      longest > LIMIT_MS && longest < 1.5 * BUSY_MS && over === 1;
    if (!busy.some(isOne))
      throw new Error(`a turn of ${BUSY_MS} ms was measured as ${JSON.stringify(busy)}`);
    const waiting = this.#turnsOf(WAITING);
    if (!waiting.every(({ longest }) => longest < WAIT_MS / 4))
      throw new Error(`a turn that waited was measured as ${JSON.stringify(waiting)}`);
  }

  /** Returns the turns of a program that does `work` in one turn. */
  #turnsOf(work) {
    this.forget();
    // The first immediate runs after the first wait, where the clock starts. The second one makes the
    // loop wait again, which ends the turn.
    const program = `setImmediate(() => { ${work} setImmediate(() => undefined); });`;
    const [command, ...parameters] = this.around([process.execPath, '-e', program]);
    execFileSync(command, parameters);
    return this.read();
  }

  /** Forgets the threads, before another process is measured. */
  forget() {
    ftruncateSync(this.#file, 0);
    ftruncateSync(this.#file, THREAD_START + THREADS * THREAD_LENGTH);
  }

  /** Removes the turns so far. */
  reset() {
    for (let thread = 0; thread < THREADS; thread++) {
      writeSync(this.#file, ZEROS, 0, ZEROS.length, THREAD_START + thread * THREAD_LENGTH + 8);
    }
  }

  /** Returns the turns of each thread since reset(); those that had none are omitted. */
  read() {
    const bytes = readFileSync(this.#path);
    const count = Number(bytes.readBigUInt64LE(0));
    if (count > THREADS) throw new Error(`${count} threads have an event loop`);
    const threads = [];
    for (let thread = 0; thread < count; thread++) {
      const start = THREAD_START + thread * THREAD_LENGTH;
      const part = bytes.subarray(start, start + THREAD_LENGTH);
      const turns = Array.from({ length: STEPS }, (_, step) =>
        part.readUInt32LE(COUNTS + step * 4),
      );
      const longest = Number(part.readBigUInt64LE(8)) / 1e6;
      const id = Number(part.readBigUInt64LE(0));
      if (longest > 0) threads.push({ id, ...summarize(turns, longest) });
    }
    return threads;
  }

  close() {
    closeSync(this.#file);
  }
}

function summarize(turns, longest) {
  const count = turns.reduce((sum, number) => sum + number, 0);
  let left = 0.999 * count;
  const step = turns.findIndex((number) => (left -= number) <= 0);
  const over = turns.slice(LIMIT_MS / STEP_MS).reduce((sum, number) => sum + number, 0);
  return { count, p999: Math.min((step + 1) * STEP_MS, longest), longest, over };
}
