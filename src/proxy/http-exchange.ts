/** Sends one HTTP request through a Dialer and reads the whole response. */
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';

import { readLimited } from '../lib/read-limited.js';
import type { Dialer, DialTarget } from './dialer.js';
import { hostHeader } from './listen-address.js';

export interface HttpMessage {
  readonly method: string;
  /** The request target: path and query, sent unchanged. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface ExchangeLimits {
  /** The exchange is aborted after this many milliseconds without a byte in either direction. */
  readonly idleTimeout: number;
  readonly maxAnswerBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * Dials the target, sends the request once, and reads the response to its end.
 * @throws DialError if the connection fails; Error if the exchange breaks or times out, or if the
 * response is too large
 */
export async function exchangeHttp(
  dialer: Dialer,
  target: DialTarget,
  message: HttpMessage,
  limits: ExchangeLimits,
): Promise<HttpResponse> {
  const stream = await dialer.dial(target, limits.signal);
  const headers = message.headers.flat();
  const names = new Set(message.headers.map(([name]) => name.toLowerCase()));
  if (!names.has('host')) headers.push('Host', hostHeader(target));
  if (!names.has('content-length') && message.body.length > 0) {
    headers.push('Content-Length', String(message.body.length));
  }
  headers.push('Connection', 'close');
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request(
        {
          createConnection: () => stream,
          method: message.method,
          path: message.path,
          // A flat list of pairs keeps the field order; Node's types allow only the object form.
          headers: headers as unknown as OutgoingHttpHeaders,
          ...(limits.signal && { signal: limits.signal }),
        },
        resolve,
      );
      watchIdle(stream, limits.idleTimeout, () =>
        outgoing.destroy(new Error('no response in time')),
      );
      outgoing.on('error', reject);
      outgoing.end(message.body);
    });
    const body = await readBody(response, limits.maxAnswerBytes);
    return {
      status: response.statusCode ?? 0,
      statusText: response.statusMessage ?? '',
      headers: response.headers,
      body,
    };
  } finally {
    stream.on('error', () => undefined).destroy();
  }
}

async function readBody(response: IncomingMessage, limit: number): Promise<Uint8Array> {
  const tooLarge = () => new Error(`the response is larger than ${limit} bytes`);
  const chunks = await readLimited<Buffer>(response, limit, tooLarge);
  if (!response.complete) throw new Error('the response ended before it was complete');
  return Buffer.concat(chunks);
}

function watchIdle(stream: NodeJS.EventEmitter, idleTimeout: number, onIdle: () => void): void {
  const timer = setTimeout(onIdle, idleTimeout);
  stream.on('data', () => timer.refresh());
  stream.on('close', () => clearTimeout(timer));
}
