/**
 * One request on one fresh connection to the target.
 *
 * Connections are not kept for a next request: one that the target has closed in the meantime would
 * fail it, and a POST may not be sent again to find out (RFC 9110 9.2.2). A false failure of a
 * metered message costs more than the round trip that a pool would save.
 */
import { type ClientRequest, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';

import { MAX_HEADER_SIZE } from './limits.js';

/** Milliseconds for the two ends of a connection to close in peace once all is said. */
const LINGER = 5_000;

export interface UpstreamHead {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn, with Content-Length or Transfer-Encoding where there is a body. */
  readonly fields: readonly string[];
  readonly hasBody: boolean;
}

/** Methods that Node sends without a body unless a field announces one. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);

/**
 * Sends the head at once, so that a slow body does not hold it up.
 *
 * @throws TypeError for a head that areWritable() refuses
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
    // A POST with nothing in it: Node would turn it into one with an empty chunked body.
    upstream.useChunkedEncodingByDefault = false;
    for (let index = 0; index + 1 < fields.length; index += 2) {
      upstream.appendHeader(fields[index] ?? '', fields[index + 1] ?? '');
    }
  }
  // Node drops what is above its default of 2,000 fields without a word; the size is the bound.
  upstream.maxHeadersCount = 0;
  // Not flushHeaders(): Node 20 writes a head that goes alone as UTF-8, and the bytes change.
  upstream.write('', 'latin1');
  return upstream;
}

/** Lets a connection close in its own time, but within a bound. */
export function lingerAndClose(stream: Duplex): void {
  if (stream.destroyed) return;
  stream.end();
  stream.resume();
  const timer = setTimeout(() => stream.destroy(), LINGER).unref();
  stream.once('close', () => clearTimeout(timer));
}
