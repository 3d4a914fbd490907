/** A process of a sandbox, the leader of its own process group. Signals go to the whole group. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The performance.now() time of the exit. */
  readonly at: number;
}

export interface SandboxProcessOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly onLine: (stream: 'stdout' | 'stderr', text: string) => void;
  readonly onExit: (exit: ProcessExit) => void;
}

/** Longer lines are split at this length. */
const MAX_LINE = 262_144;

export class SandboxProcess {
  readonly name: string;
  readonly startedAt = performance.now();
  exit: ProcessExit | undefined;
  readonly #child: ChildProcess;
  /** An environment entry that only this sandbox's processes have. */
  readonly #mark: string;

  constructor(options: SandboxProcessOptions) {
    this.name = options.name;
    this.#mark = `AWS_LAMBDA_RUNTIME_API=${options.env.AWS_LAMBDA_RUNTIME_API}`;
    this.#child = spawn(options.command[0]!, options.command.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...options.env },
      cwd: options.cwd,
      detached: true,
    });
    for (const stream of ['stdout', 'stderr'] as const) {
      splitLines(this.#child[stream]!, (text) => options.onLine(stream, text));
    }
    const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (this.exit !== undefined) return;
      this.exit = { code, signal, at: performance.now() };
      options.onExit(this.exit);
    };
    this.#child.on('exit', ended);
    this.#child.on('error', (error) => {
      options.onLine('stderr', error.message);
      ended(127, null);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.exit === undefined;
  }

  /** Signals the whole group, including children that outlived the process. */
  signal(signal: NodeJS.Signals): void {
    if (this.pid === undefined) return;
    // The ID of an ended group may have been reused.
    if (!this.isRunning && !isGroupOf(this.pid, this.#mark)) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // The group has ended in the meantime.
    }
  }

  /** Whether the leader of the group is stopped, according to /proc/PID/stat. */
  get isStopped(): boolean {
    return statOf(String(this.pid))[0] === 'T';
  }

  /** Closes its output pipes, which a surviving child may hold open. */
  release(): void {
    this.#child.stdout!.destroy();
    this.#child.stderr!.destroy();
  }
}

/** The fields of /proc/PID/stat from the state on; empty if the process has ended. */
function statOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** Whether a process of the group has the mark in its environment. */
function isGroupOf(group: number, mark: string): boolean {
  return readdirSync('/proc').some((pid) => {
    if (!/^\d+$/.test(pid) || statOf(pid)[2] !== String(group)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark);
    } catch {
      return false;
    }
  });
}

function splitLines(stream: NodeJS.ReadableStream, take: (text: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!.slice(0, MAX_LINE);
    for (const line of lines) take(line);
  });
  stream.on('end', () => {
    if (rest !== '') take(rest);
  });
  stream.on('error', () => undefined);
}
