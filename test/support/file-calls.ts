/** Traces a program's file changes and HTTP requests, in the order of its system calls. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A question mark marks system calls that some processors lack. */
const TRACED = [
  ...['open', 'openat', 'creat', 'mkdir', 'mkdirat', 'chmod', 'fchmod', 'fchmodat'],
  ...['write', 'pwrite64', 'writev', 'fsync', 'fdatasync', 'ftruncate'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'unlink', 'unlinkat'],
];

/** One traced run of a program. Requires strace. */
export class FileTrace {
  readonly #folder = mkdtempSync(join(tmpdir(), 'arctun-trace-'));
  readonly #log = join(this.#folder, 'trace');
  readonly #refused: string | undefined;

  /** @param refused a call that fails, in strace's injection syntax: `?link,linkat:error=EPERM` */
  constructor(refused?: string) {
    this.#refused = refused;
  }

  /** Wraps `command` to run under umask 0, with all file work in one thread. */
  wrap(command: readonly string[]): string[] {
    const inject = this.#refused === undefined ? [] : ['-e', `inject=${this.#refused}`];
    const strace = ['strace', '-f', '-y', '-qq', '-s', '256', '-o', this.#log, ...inject];
    const shell = ['sh', '-c', 'umask 0; exec "$@"', 'sh'];
    const environment = ['env', 'UV_THREADPOOL_SIZE=1', 'NODE_DISABLE_COMPILE_CACHE=1'];
    return [
      ...shell,
      ...environment,
      ...strace,
      '-e',
      `trace=${TRACED.map((call) => `?${call}`).join()}`,
      ...command,
    ];
  }

  /**
   * Lists the run's operations in `folder`, with relative names, and its HTTP requests: `create a
   * 0600`, `write a`, `sync a`, `rename a b`, `sync .`, `POST /v1/auth`. `*` replaces random digits
   * in names. A failed call ends with its error.
   */
  calls(folder: string): string[] {
    return lines(readFileSync(this.#log, 'utf8')).flatMap((line) => describe(line, folder) ?? []);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Splits the log into calls. An interrupted call has two lines, and counts when it completes. */
function lines(text: string): string[] {
  const begun = new Map<string, string>();
  return text.split('\n').flatMap((line) => {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest);
    if (unfinished) begun.set(thread, unfinished[1]!);
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    if (unfinished) return [];
    return [resumed ? `${begun.get(thread) ?? ''}${resumed[1]!}` : rest];
  });
}

function describe(line: string, folder: string): string | undefined {
  const [, call = '', rest = ''] = /^(\w+)\((.*)$/.exec(line) ?? [];
  const request = /"([A-Z]+ \/\S*) HTTP\/1\.1/.exec(rest);
  if (call.startsWith('write') && request) return request[1];
  const error = / = -1 (E\w+)/.exec(rest)?.[1];
  const [first, second] = [...rest.matchAll(/"([^"]*)"|^\d+<([^>]*)>/g)]
    .map(([, path, descriptor]) => nameIn(folder, path ?? descriptor ?? ''))
    .filter((name) => name !== undefined);
  const verb = verbOf(call, rest);
  if (first === undefined || verb === undefined) return undefined;
  const mode = /^(create|mkdir|chmod)$/.test(verb) ? /, (0\d+)\b/.exec(rest)?.[1] : undefined;
  return [verb, first, second, mode, error].filter((part) => part !== undefined).join(' ');
}

function nameIn(folder: string, path: string): string | undefined {
  if (path === folder) return '.';
  if (!path.startsWith(`${folder}/`)) return undefined;
  return path.slice(folder.length + 1).replaceAll(/\b[0-9a-f]{12}\b/g, '*');
}

function verbOf(call: string, rest: string): string | undefined {
  if (/^open/.test(call)) return rest.includes('O_CREAT') ? 'create' : undefined;
  if (call === 'creat') return 'create';
  if (/write/.test(call)) return 'write';
  if (/sync$/.test(call)) return 'sync';
  return /mkdir|chmod|ftruncate|rename|unlink|link/.exec(call)?.[0];
}
