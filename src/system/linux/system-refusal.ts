/** Runs requests that the kernel may reject. */
import { SystemCallError } from './libc.js';

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
