/**
 * The Unified Endpoint over HTTP. Records each request under the SIM that sent it and responds 201
 * with an empty body, for every method and path. The only exception is GET /bytes/N, which SORACOM
 * does not offer: the response contains N bytes, for programs that need data to download.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

import { encodeBody, KEPT_BODY_BYTES } from '../messages.js';
import { HttpEndpoint } from './http-endpoint.js';
import type { UnifiedRawOptions } from './unified-raw.js';

export function unifiedHttpEndpoint({
  sims,
  messages,
  wallClock,
}: Pick<UnifiedRawOptions, 'sims' | 'messages' | 'wallClock'>): HttpEndpoint {
  return new HttpEndpoint(sims, ({ simId }, request, response) => {
    const kept = Buffer.alloc(Math.min(KEPT_BODY_BYTES, contentLength(request)));
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      if (bytes < kept.length) chunk.copy(kept, bytes);
      bytes += chunk.length;
    });
    request.on('end', () => {
      messages.add({
        protocol: 'http',
        simId,
        at: new Date(wallClock.unixMilliseconds()).toISOString(),
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        ...encodeBody(kept.subarray(0, bytes), bytes),
      });
      respond(request, response);
    });
  });
}

/** The number N has at most nine digits, so it is below a billion. */
const BYTES_PATH = /^\/bytes\/(\d{1,9})$/;

const CHUNK = Buffer.alloc(64 * 1024);

function respond({ method, url = '' }: IncomingMessage, response: ServerResponse): void {
  const length = method === 'GET' ? BYTES_PATH.exec(url)?.[1] : undefined;
  if (length === undefined) {
    response.writeHead(201, { 'Content-Length': '0' }).end();
    return;
  }
  const fields = { 'Content-Type': 'application/octet-stream', 'Content-Length': Number(length) };
  response.writeHead(200, fields);
  Readable.from(zeros(Number(length))).pipe(response);
}

function* zeros(length: number): Generator<Buffer> {
  for (let rest = length; rest > 0; rest -= CHUNK.length) yield CHUNK.subarray(0, rest);
}

/** Returns the Content-Length of the body; Infinity for a chunked body. */
function contentLength({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return Infinity;
  return Number(headers['content-length'] ?? 0);
}
