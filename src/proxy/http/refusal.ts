/** Rejects requests that are never forwarded, regardless of their target. */
import type { ClientHead } from './client/client-message.js';
import type { ForwardFailure } from './failure.js';
import {
  fieldValues,
  hasForeignCoding,
  isChunked,
  isLastHop,
  wantedProtocols,
} from './header-fields.js';

/** Returns the reason to reject a request before dialing, or undefined to accept it. */
export function refusalOf(request: ClientHead): ForwardFailure | undefined {
  // RFC 9112 3: Node treats a request line without a version as HTTP/0.9, and also accepts HTTP/2.0
  // in a request line.
  if (request.httpVersionMajor === 0) {
    return {
      reason: 'bad-request',
      message: 'the request line does not contain an HTTP/1 version',
    };
  }
  if (request.httpVersionMajor !== 1) {
    return { reason: 'http-version', message: 'only HTTP/1.1 and HTTP/1.0 are supported' };
  }
  // RFC 9112 6.1: an HTTP/1.0 proxy on the path would not understand the framing, and the following
  // bytes could be anything.
  if (isChunked(request) && request.httpVersionMinor === 0) {
    return { reason: 'bad-request', message: 'HTTP/1.0 does not support transfer codings' };
  }
  if (hasForeignCoding(request)) {
    return {
      reason: 'not-implemented',
      message: 'only the transfer coding "chunked" is supported',
    };
  }
  // RFC 9112 3.2: two recipients could pick different hosts from one request.
  if (fieldValues(request, 'host').length > 1) {
    return { reason: 'bad-request', message: 'the request has more than one Host header' };
  }
  if (isLastHop(request)) {
    const message = 'Max-Forwards is 0, but this proxy does not respond to requests itself';
    return { reason: 'method-not-allowed', message };
  }
  return undefined;
}

/**
 * Whether to honor a protocol upgrade. RFC 9110 7.8: a server may ignore it, and has to in
 * HTTP/1.0. Clients that offer h2c continue without it. A request with a body is not upgraded,
 * because the body would precede the new protocol.
 */
export function isSwitchWanted(request: ClientHead): boolean {
  const { headers, httpVersionMinor, method } = request;
  if (wantedProtocols(request).length === 0) return false;
  if (headers['transfer-encoding'] !== undefined) return false;
  if ((headers['content-length'] ?? '0') !== '0') return false;
  return httpVersionMinor >= 1 && method !== 'CONNECT';
}
