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
  const headers = [...requestFields(message, target), 'Connection', 'close'];
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

/** The methods whose requests announce even an empty body (RFC 9110 8.6). */
const METHODS_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Returns the message's fields as alternating names and values, with Content-Length, and with Host
 * unless the message has it.
 */
export function requestFields(
  { method, headers, body }: HttpMessage,
  target: DialTarget,
): readonly string[] {
  const fields = headers.flat();
  if (!headers.some(([name]) => name.toLowerCase() === 'host')) {
    fields.unshift('Host', hostHeader(target));
  }
  if (body.length > 0 || METHODS_WITH_BODY.has(method)) {
    fields.push('Content-Length', String(body.length));
  }
  return fields;
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
