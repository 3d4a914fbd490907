/** Runs commands, and stops them if the run is stopped. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { orAborted } from './steps.js';

const LEASH = fileURLToPath(new URL('leash.js', import.meta.url));

/**
 * A command that is stopped may take this long, in ms: bootstrap waits up to 30 s for a new SIM. It
 * must be shorter than END_LIMIT of the steps.
 */
const STOP_LIMIT = 60_000;

/** A command that ended with another exit code than 0. */
export class CommandError extends Error {
  /**
   * @param {string} name
   * @param {Finished} finished
   */
  constructor(name, finished) {
    const code = finished.code === null ? '' : `exit code ${finished.code}: `;
    super(`${name}: ${code}${reasonIn(finished.stderr || finished.stdout)}`);
    this.finished = finished;
  }
}

/**
 * @typedef {{ code: number | null, stdout: string, stderr: string }} Finished
 *
 * @typedef {object} CommandOptions
 * @property {NodeJS.ProcessEnv} [env]
 * @property {AbortSignal} [signal] stops the command; its promises settle after it has ended
 * @property {number} [stopLimit] how long it may run after it was stopped, in ms; then it is killed
 * @property {boolean} [leashed] whether the command also ends if this process is killed
 * @property {(text: string) => void} [onStderr]
 */

/** A running command. */
export class Command {
  stdout = '';
  stderr = '';
  #child;
  #stopLimit;
  #isOver = false;
  #wake = () => {};

  /**
   * @param {readonly string[]} command
   * @param {CommandOptions} [options]
   */
  constructor(command, options = {}) {
    const {
      env = process.env,
      signal,
      leashed = false,
      onStderr,
      stopLimit = STOP_LIMIT,
    } = options;
    this.#stopLimit = stopLimit;
    const words = leashed ? [process.execPath, LEASH, ...command] : command;
    // In its own process group, the command does not get the SIGINT of the terminal: it must finish
    // what it is doing to a SIM, and a terminated run still needs commands.
    this.#child = spawn(words[0], words.slice(1), {
      stdio: [leashed ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      env,
      detached: true,
    });
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
      this.#wake();
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
      onStderr?.(text);
      this.#wake();
    });
    /** @type {Promise<Finished>} */
    this.finished = new Promise((resolve) => {
      const end = (code) => {
        this.#isOver = true;
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
        this.#wake();
      };
      this.#child.on('error', (error) => {
        this.stderr += error.message;
        end(null);
      });
      this.#child.on('close', end);
    });
    if (signal !== undefined) this.#stopBy(signal);
  }

  #stopBy(signal) {
    const onAbort = () => void this.stop('SIGINT');
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void this.finished.then(() => signal.removeEventListener('abort', onAbort));
  }

  /**
   * Resolves as soon as standard output matches.
   *
   * @param {RegExp} pattern
   * @param {AbortSignal} signal
   * @returns {Promise<RegExpExecArray>}
   */
  async printed(pattern, signal) {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match) return match;
      if (this.#isOver) throw new Error(`the command ended: ${reasonIn(this.stderr)}`);
      const changed = new Promise((resolve) => {
        this.#wake = () => resolve(undefined);
      });
      await orAborted(changed, signal);
    }
  }

  /**
   * @param {NodeJS.Signals} [signal]
   * @returns {Promise<Finished>}
   */
  async stop(signal = 'SIGTERM') {
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#killAll(), this.#stopLimit);
    const finished = await this.finished;
    clearTimeout(timer);
    return finished;
  }

  /** Kills the process group: a child of the command would keep the pipes open. */
  #killAll() {
    const { pid } = this.#child;
    try {
      if (pid !== undefined && process.platform !== 'win32') process.kill(-pid, 'SIGKILL');
    } catch {
      // The group has ended.
    }
    this.#child.kill('SIGKILL');
  }
}

/**
 * Runs a command until it ends.
 *
 * @param {readonly string[]} command
 * @param {CommandOptions & { name: string }} options
 * @returns {Promise<Finished>}
 * @throws {CommandError} if the exit code is not 0
 */
export async function runCommand(command, { name, ...options }) {
  const finished = await new Command(command, options).finished;
  options.signal?.throwIfAborted();
  if (finished.code !== 0) throw new CommandError(name, finished);
  return finished;
}

/** Returns the line of the error, which may follow a log. */
function reasonIn(text) {
  const lines = text.trim().split('\n');
  return lines.find((line) => /^\s*(\S+ )?Error: /.test(line)) ?? lines.at(-1) ?? '';
}
