/**
 * One request on one new connection to the target.
 *
 * Connections are not reused: a request on a connection that the target has just closed would fail,
 * and a POST must not be retried automatically (RFC 9110 9.2.2). A false failure of a metered
 * message costs more than the round trip that a pool would save.
 */
import { type ClientRequest, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';

import { MAX_HEADER_SIZE } from './limits.js';

/** The time in milliseconds for both ends of a finished connection to close cleanly. */
const LINGER = 5_000;

export interface UpstreamHead {
  readonly method: string;
  readonly path: string;
  /**
   * Alternating names and values, with Content-Length or Transfer-Encoding if the request has a
   * body.
   */
  readonly fields: readonly string[];
  readonly hasBody: boolean;
}

/** Methods that Node sends without a body unless a field announces one. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * Sends the head immediately, so that a slow body does not delay it.
 *
 * @throws TypeError for a head that areWritable() rejects
 */
export function openUpstream(stream: Duplex, head: UpstreamHead): ClientRequest {
  const { method, path, fields, hasBody } = head;
  const isExact = hasBody || BODILESS.has(method);
  const upstream = httpRequest({
    createConnection: () => stream,
    method,
    path,
    setHost: false,
    maxHeaderSize: MAX_HEADER_SIZE,
    ...(isExact && { headers: fields }),
  });
  if (!isExact) {
    // For a POST without a body, Node would add an empty chunked body.
    upstream.useChunkedEncodingByDefault = false;
    for (let index = 0; index + 1 < fields.length; index += 2) {
      upstream.appendHeader(fields[index] ?? '', fields[index + 1] ?? '');
    }
  }
  // Disables Node's silent limit of 2,000 fields; the head's size limit suffices.
  upstream.maxHeadersCount = 0;
  // flushHeaders() is not suitable: Node 20 writes a head without a body as UTF-8, which changes
  // its bytes.
  upstream.write('', 'latin1');
  return upstream;
}

/** Closes a connection cleanly within a time limit. */
export function lingerAndClose(stream: Duplex): void {
  if (stream.destroyed) return;
  stream.end();
  stream.resume();
  const timer = setTimeout(() => stream.destroy(), LINGER).unref();
  stream.once('close', () => clearTimeout(timer));
}
