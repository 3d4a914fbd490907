/** A child process of a benchmark, with line-by-line access to its standard output. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { clearTimeout, setTimeout } from 'node:timers';

/** sysconf(_SC_CLK_TCK), which is 100 on every Linux. */
const CLOCK_TICKS = 100;

/** A command prefix that ends the child when its parent ends, even if SIGKILL ends the parent. */
const ENDS_WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL'];

export class Child {
  stderr = '';
  #process;
  #lines = [];
  #waiting = new Set();
  #ended = false;

  /**
   * @param command the program and its arguments; the child shares only its standard streams with
   * this process
   * @param descriptor a file descriptor of this process that the child gets as its descriptor 3
   */
  constructor(command, env = {}, descriptor) {
    const [program, ...parameters] = [...ENDS_WITH_PARENT, ...command];
    this.#process = spawn(program, parameters, {
      stdio: ['pipe', 'pipe', 'pipe', ...(descriptor === undefined ? [] : [descriptor])],
      env: { ...process.env, ...env },
    });
    this.#process.stdin.on('error', () => undefined);
    this.#process.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr = (this.stderr + text).slice(-4096);
    });
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.#process.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    this.#process.on('error', (error) => {
      this.stderr += error.message;
      this.#ended = true;
      this.#wake();
    });
  }

  /**
   * Returns the first line that the predicate accepts; each line is returned once.
   *
   * @throws Error if the process exits first, or after `timeout` ms
   */
  async line(predicate, timeout = 30_000) {
    const until = performance.now() + timeout;
    for (;;) {
      const at = this.#lines.findIndex(predicate);
      if (at >= 0) return this.#lines.splice(at, 1)[0];
      const left = until - performance.now();
      if (this.#ended || left <= 0) {
        const how = this.#ended ? 'ended' : `said nothing in ${timeout} ms`;
        throw new Error(`${this.#process.spawnargs.join(' ')} ${how}: ${this.stderr}`);
      }
      await this.#change(left);
    }
  }

  /** Returns all lines so far that the predicate accepts; each line is returned once. */
  takeLines(predicate) {
    const taken = this.#lines.filter(predicate);
    this.#lines = this.#lines.filter((line) => !predicate(line));
    return taken;
  }

  /** Returns the CPU seconds that all threads have used so far. */
  cpuSeconds() {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8');
    // Fields 14 and 15 of proc(5), counted after the process name, which may contain any character.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
  }

  get pid() {
    return this.#process.pid;
  }

  /** Writes a line to standard input. */
  tell(line) {
    this.#process.stdin.write(`${line}\n`);
  }

  /** Closes standard input, which makes this project's programs exit. */
  endInput() {
    this.#process.stdin.end();
  }

  kill(signal = 'SIGKILL') {
    if (!this.#ended) this.#process.kill(signal);
  }

  async ended() {
    if (!this.#ended) await once(this.#process, 'close');
  }

  #change(timeout) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeout);
      this.#waiting.add(wake);
    });
  }

  #wake() {
    for (const wake of [...this.#waiting]) wake();
  }
}
