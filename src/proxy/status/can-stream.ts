/** Decides whether a response may stay open. */
import type { ServerResponse } from 'node:http';

/**
 * Whether a response can be sent now. Node.js does not emit 'close' for a response that waits behind
 * another one on its connection (pipelining), or whose connection is already closed, so such a
 * response must not be kept.
 */
export function canStream({ socket, destroyed }: ServerResponse): boolean {
  return socket !== null && !destroyed;
}
