import { getEventListeners } from 'node:events';

/** The number of abort listeners on a signal, to detect leaks in one that serves many calls. */
export function abortListeners({ signal }: AbortController): number {
  return getEventListeners(signal, 'abort').length;
}
