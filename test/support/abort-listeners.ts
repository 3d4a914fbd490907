import { getEventListeners } from 'node:events';

/** How many listeners wait for a signal: one that serves many calls must not collect them. */
export function abortListeners({ signal }: AbortController): number {
  return getEventListeners(signal, 'abort').length;
}
