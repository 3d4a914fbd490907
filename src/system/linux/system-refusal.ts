/** Requests that the kernel may reject. */
import { SystemCallError } from './libc.js';

/** Undefined if the kernel fulfills the request. */
export function refusalOf(request: () => void): SystemCallError | undefined {
  try {
    request();
    return undefined;
  } catch (error) {
    if (error instanceof SystemCallError) return error;
    throw error;
  }
}

/** False if the kernel rejects the request. */
export function isDone(request: () => void): boolean {
  return refusalOf(request) === undefined;
}
