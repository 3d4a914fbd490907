/**
 * The C library through koffi, an optional dependency with prebuilt binaries: system calls that Node
 * has no function for. Linux alone; struct layouts and numbers here and beside it are Linux's.
 */
import { constants } from 'node:os';

import { messageOf } from '../../lib/errors/error-message.js';

type Parameter = number | bigint | string | Uint8Array | null;

/** A function of the C library. Most return -1 for a failure, which errno() then explains. */
export interface LibcFunction {
  (...parameters: readonly Parameter[]): number;
  /** Runs it on a thread of libuv's pool, which it keeps busy for as long as it waits. */
  async(...parameters: readonly [...Parameter[], LibcCallback]): void;
}

type LibcCallback = (error: unknown, result: number) => void;

export interface Libc {
  /** Binds a function by its C declaration, say `int close(int)`; it has to return a number. */
  bind(declaration: string): LibcFunction;
  /** The address of bytes that do not move for as long as somebody holds them. */
  address(bytes: Uint8Array): bigint;
  /** errno of the last call on this thread that failed. */
  errno(): number;
}

/** A system call failed: with its name, `errno` and `code` (`EPERM` …), as Node's own errors have. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = errnoName(errno);
    super(`${syscall}: ${code}`);
    this.code = code;
    this.errno = -errno;
    this.syscall = syscall;
  }
}

let loaded: Promise<Libc | undefined> | undefined;
let failure: string | undefined;

/** The C library, or undefined where this is not Linux, or koffi is not installed or does not load. */
export function loadLibc(): Promise<Libc | undefined> {
  return (loaded ??= load());
}

/** Why loadLibc() returned undefined; undefined if it returned the library, or was not called. */
export function libcFailure(): string | undefined {
  return failure;
}

async function load(): Promise<Libc | undefined> {
  if (process.platform !== 'linux') {
    failure = 'this is not Linux';
    return undefined;
  }
  try {
    // Its named exports are lost in a bundle.
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    return {
      bind: (declaration) => library.func(declaration),
      address: (bytes) => koffi.address(bytes),
      errno: () => koffi.errno(),
    };
  } catch (error) {
    // Node adds the files that imported a missing module.
    failure = messageOf(error).split('\n')[0];
    return undefined;
  }
}

function errnoName(errno: number): string {
  const found = Object.entries(constants.errno).find(([, number]) => number === errno);
  return found?.[0] ?? `errno ${errno}`;
}
