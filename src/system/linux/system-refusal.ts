/** Requests that the kernel may refuse. */
import { SystemCallError } from './libc.js';

/** Undefined where the kernel does what it is asked for. */
export function refusalOf(request: () => void): SystemCallError | undefined {
  try {
    request();
    return undefined;
  } catch (error) {
    if (error instanceof SystemCallError) return error;
    throw error;
  }
}

/** False where the kernel refuses. */
export function isDone(request: () => void): boolean {
  return refusalOf(request) === undefined;
}
