/** Requests that are not sent on, whatever their target. */
import type { IncomingMessage } from 'node:http';

import type { ForwardFailure } from './failure.js';
import { hasForeignCoding, isChunked, isLastHop, wantedProtocols } from './header-fields.js';

/** Why a request is refused before anything is dialled; undefined where it is not. */
export function refusalOf(request: IncomingMessage): ForwardFailure | undefined {
  // RFC 9112 3: Node takes a request line without a version for HTTP/0.9, and HTTP/2.0 for a version of this syntax.
  if (request.httpVersionMajor === 0) {
    return { reason: 'bad-request', message: 'the request line has no version of HTTP/1' };
  }
  if (request.httpVersionMajor !== 1) {
    return { reason: 'http-version', message: 'only HTTP/1.1 and HTTP/1.0 are spoken here' };
  }
  // RFC 9112 6.1: a proxy of that version on the way would not know the framing, and the rest of the
  // connection could be anything.
  if (isChunked(request) && request.httpVersionMinor === 0) {
    return { reason: 'bad-request', message: 'HTTP/1.0 has no transfer codings' };
  }
  if (hasForeignCoding(request)) {
    return { reason: 'not-implemented', message: 'the only transfer coding here is chunked' };
  }
  // RFC 9112 3.2: two readers could take a request with two hosts for two different ones.
  if (hostCount(request) > 1) {
    return { reason: 'bad-request', message: 'the request has more than one Host' };
  }
  if (isLastHop(request)) {
    const message = 'Max-Forwards is 0, and nothing here answers in the place of the target';
    return { reason: 'method-not-allowed', message };
  }
  return undefined;
}

function hostCount({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'host') count++;
  }
  return count;
}

/**
 * Whether a request for another protocol is to be taken as one. RFC 9110 7.8: it may be ignored, and
 * has to be in HTTP/1.0. Clients offer h2c on plain requests and go on without; and a body would stand
 * between the request and the other protocol.
 */
export function isSwitchWanted(request: IncomingMessage): boolean {
  const { headers, httpVersionMinor, method } = request;
  if (wantedProtocols(request).length === 0) return false;
  if (headers['transfer-encoding'] !== undefined) return false;
  if ((headers['content-length'] ?? '0') !== '0') return false;
  return httpVersionMinor >= 1 && method !== 'CONNECT';
}
