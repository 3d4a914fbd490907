/**
 * Loads the C library through koffi, an optional dependency with prebuilt binaries, for system
 * calls that Node.js lacks. The struct layouts and numbers in this folder are for Linux only.
 */
import { constants } from 'node:os';

import { messageOf } from '../../lib/errors/error-message.js';
import { WORD_SIZE } from './machine-word.js';

type Parameter = number | bigint | string | Uint8Array | null;

/**
 * A function of the C library. Most functions return -1 on failure; errno() then returns the
 * reason.
 */
export type LibcFunction = (...parameters: readonly Parameter[]) => number;

export interface PollEvents {
  readonly readable: boolean;
  readonly writable: boolean;
}

/** A poll of libuv (`uv_poll_t`) on this thread's event loop. Keeps the process alive until stopped. */
export interface Poll {
  start(wanted: PollEvents, handle: (status: number, ready: PollEvents) => void): void;
  stop(): void;
  close(): void;
}

export interface Libc {
  /** Binds a function by its C declaration, such as `int close(int)`; it must return a number. */
  bind(declaration: string): LibcFunction;
  /** Starts a poll. The status is negative if libuv has stopped the poll because of an error. */
  poll(
    descriptor: number,
    wanted: PollEvents,
    handle: (status: number, ready: PollEvents) => void,
  ): Poll;
  /** Returns the address of bytes, which do not move while they are referenced. */
  address(bytes: Uint8Array): bigint;
  /** The size of a pointer and of a size_t, in bytes. */
  readonly wordSize: number;
  /** Returns the errno of the last failed call on this thread. */
  errno(): number;
}

/** A failed system call, with its name, `errno` and `code` (`EPERM` …), like errors of Node.js. */
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

/**
 * Loads the C library; undefined if this is not Linux, or if koffi is missing or cannot be loaded.
 */
export function loadLibc(): Promise<Libc | undefined> {
  return (loaded ??= load());
}

/** Returns why loadLibc() returned undefined; undefined if it succeeded or was not called. */
export function libcFailure(): string | undefined {
  return failure;
}

async function load(): Promise<Libc | undefined> {
  if (process.platform !== 'linux') {
    failure = 'the operating system must be Linux';
    return undefined;
  }
  try {
    // Use the default export, because bundling removes koffi's named exports.
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    return {
      bind: (declaration) => library.func(declaration),
      // The declared type of the callback lacks the status.
      poll: koffi.node.poll as unknown as Libc['poll'],
      address: (bytes) => koffi.address(bytes),
      wordSize: WORD_SIZE,
      errno: () => koffi.errno(),
    };
  } catch (error) {
    // Show only the first line; the others list the files that imported a missing module.
    failure = messageOf(error).split('\n')[0];
    return undefined;
  }
}

function errnoName(errno: number): string {
  const found = Object.entries(constants.errno).find(([, number]) => number === errno);
  return found?.[0] ?? `errno ${errno}`;
}

/** Returns the kernel's error; undefined if the request succeeds. */
export function refusalOf(request: () => void): SystemCallError | undefined {
  try {
    request();
    return undefined;
  } catch (error) {
    if (error instanceof SystemCallError) return error;
    throw error;
  }
}

/** Returns false if the kernel rejects the request. */
export function isDone(request: () => void): boolean {
  return refusalOf(request) === undefined;
}
