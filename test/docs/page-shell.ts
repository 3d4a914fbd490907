/** The shell of one page, in its own namespaces. It runs the blocks in order, some in the background. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { REPOSITORY, TestProcess } from '../support/processes.js';
import { until } from '../support/until.js';

/** Milliseconds. */
const BLOCK_LIMIT = 100_000;
const READY_LIMIT = 100_000;
/** A program that prints nothing for this duration counts as started. */
const QUIET = 2_000;

const PYTHON = '/usr/bin/python3';
const SPACE = join(REPOSITORY, 'test/docs/page-space.sh');
const NAMESPACES = [
  ...['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
  ...['bash', SPACE, REPOSITORY],
] as const;

/** The line that `up` or `emulator` prints when it is ready. */
const READY = /^(Tunnel to .* is up|\d+ of \d+ tunnels are up|Auth key: )/m;

export interface Run {
  readonly script: string;
  /** The expected exit code. */
  readonly exit: number;
}

export class PageShell {
  /** The page's folder. */
  readonly work: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'arctun-page-'));
  readonly #shell: TestProcess;
  readonly #terminals = new Map<string, string>();
  #serial = 0;

  constructor(modules: readonly string[]) {
    this.work = join(this.#folder, 'work');
    for (const name of ['work', 'home', 'bin', 'blocks', 'work/node_modules'])
      mkdirSync(join(this.#folder, name));
    symlinkSync('/mnt/arctun/bin/run.js', join(this.#folder, 'bin/arctun'));
    // The page already runs as root.
    writeFileSync(join(this.#folder, 'bin/sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    // Debian's Python finds the modules of Debian's packages.
    if (existsSync(PYTHON)) symlinkSync(PYTHON, join(this.#folder, 'bin/python3'));
    symlinkSync('/mnt/arctun', join(this.#folder, 'work/node_modules/arctun'));
    for (const name of modules) {
      if (!existsSync(join(REPOSITORY, 'node_modules', name))) continue;
      symlinkSync(
        `/mnt/arctun/node_modules/${name}`,
        join(this.#folder, 'work/node_modules', name),
      );
    }
    const environment = Object.entries(environmentOfPage()).map(
      ([name, value]) => `${name}=${value}`,
    );
    const command = ['env', '-i', ...environment, ...NAMESPACES, this.#folder];
    this.#shell = new TestProcess(command, { interactive: true });
  }

  /**
   * Runs a script in the shell, and returns its output.
   *
   * @throws Error with the output if the exit code is not the expected one
   */
  async run({ script, exit }: Run): Promise<string> {
    const { source, output } = this.#write(script);
    const command = `${source} >${output.inside} 2>&1 </dev/null`;
    const id = `done ${this.#serial}`;
    if (exit === 0) this.#shell.type(`${command}\necho "${id} 0"\n`);
    else this.#shell.type(`set +e; (set -e; ${command}); echo "${id} $?"; set -e\n`);
    try {
      const [, code] = await this.#shell.output(
        new RegExp(`^${id} (\\d+)$`, 'm'),
        'stdout',
        BLOCK_LIMIT,
      );
      if (Number(code) !== exit) throw new Error(`exit code ${code} instead of ${exit}`);
    } catch (error) {
      const reason = this.#shell.running ? 'failed' : `ended the page's shell${await this.#code()}`;
      const text = `${reason}: ${firstLine(error)}\n${read(output.path)}${this.#shell.stderr}`;
      throw new Error(text, { cause: error });
    }
    return read(output.path);
  }

  /** Stops the previous script of a terminal, starts another one, and waits until it is ready. */
  async start(terminal: string, script: string): Promise<void> {
    const { source, output } = this.#write(script);
    const variable = `terminal_${terminal.replaceAll(/\W/g, '_')}`;
    this.#shell.type(
      // A program may end after the shell that started it.
      `if [ -n "\${${variable}:-}" ]; then kill -- -$${variable} || true; wait $${variable} || true; ` +
        `while kill -0 -- -$${variable} 2>/dev/null; do sleep 0.01; done; fi\n` +
        `set -m; (set +e; (set -e; ${source}); echo $? >${output.inside}.code) >${output.inside} 2>&1 </dev/null &\n` +
        `${variable}=$!; set +m\n`,
    );
    this.#terminals.set(terminal, output.path);
    let last = { text: '', since: Date.now() };
    await until(
      () => {
        const text = read(output.path);
        this.#checkTerminal(terminal);
        if (READY.test(text)) return true;
        if (text !== last.text) last = { text, since: Date.now() };
        const isOurs = /\barctun(\)")? (up|emulator)\b|inside\.sh/.test(script);
        return Date.now() - last.since > (isOurs ? READY_LIMIT / 2 : QUIET);
      },
      { what: `terminal ${terminal} is ready`, limit: READY_LIMIT, turn: pause },
    );
  }

  /** Returns the output of a terminal up to now. */
  outputOf(terminal: string): string {
    return read(this.#terminals.get(terminal) ?? '');
  }

  /** @throws Error if the script of this terminal has failed */
  #checkTerminal(terminal: string): void {
    const output = this.#terminals.get(terminal) ?? '';
    const code = read(`${output}.code`).trim();
    if (code !== '' && code !== '0')
      throw new Error(`${terminal} ended with ${code}\n${read(output)}`);
  }

  /** @throws Error if a script in a terminal has failed */
  checkTerminals(): void {
    for (const terminal of this.#terminals.keys()) this.#checkTerminal(terminal);
  }

  /** Closes the shell's input: the shell runs its traps, and ends with all programs that it started. */
  async close(): Promise<void> {
    this.#shell.child.stdin?.end();
    const timer = setTimeout(() => this.#shell.kill('SIGKILL'), BLOCK_LIMIT);
    const { code, stdout, stderr } = await this.#shell.finished;
    clearTimeout(timer);
    rmSync(this.#folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the page's shell ended with ${code}\n${stdout}${stderr}`);
  }

  #write(script: string): { source: string; output: { inside: string; path: string } } {
    const name = `blocks/${++this.#serial}`;
    writeFileSync(join(this.#folder, `${name}.sh`), script);
    const output = { inside: `/mnt/page/${name}.out`, path: join(this.#folder, `${name}.out`) };
    return { source: `source /mnt/page/${name}.sh`, output };
  }

  async #code(): Promise<string> {
    const { code } = await this.#shell.finished;
    return ` with ${code}`;
  }
}

function environmentOfPage(): Record<string, string> {
  const folders = (process.env.PATH ?? '').split(':');
  const system = folders.filter((folder) => !folder.includes('node_modules'));
  return {
    PATH: ['/mnt/page/bin', ...system].join(':'),
    HOME: '/mnt/page/home',
    USER: 'root',
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    // Userspace mode, as for a user without permission to create an interface. A page can select another mode.
    ARCTUN_MODE: 'userspace',
  };
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

function read(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0] ?? '';
}
