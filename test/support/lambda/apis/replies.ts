/** Answers in the form that the recorded ones have: JSON and a line's end, and no header of keep-alive. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** A response of the Runtime API may have 6 MB; what is longer is cut off here before it grows. */
const MAX_BODY = 8 * 1024 * 1024;

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  sendText(response, status, `${JSON.stringify(body)}\n`, {
    'Content-Type': 'application/json',
    ...headers,
  });
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string | Uint8Array,
  headers: OutgoingHttpHeaders,
): void {
  const close = response.req.headers.connection?.toLowerCase() === 'close';
  // Once removed, Node.js adds none by itself.
  response.removeHeader('Connection');
  if (close) response.shouldKeepAlive = false;
  response.writeHead(status, {
    ...headers,
    'Content-Length': Buffer.byteLength(text),
    ...(close ? { Connection: 'close' } : {}),
  });
  response.end(text);
}

/** A refusal as both APIs have it. */
export function refuse(
  response: ServerResponse,
  errorType: string,
  errorMessage: string,
  status = 403,
): void {
  sendJson(response, status, { errorMessage, errorType });
}

export function notFound(response: ServerResponse): void {
  sendText(response, 404, '404 page not found\n', {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
  });
}

export function accepted(response: ServerResponse): void {
  sendJson(response, 202, { status: 'OK' });
}

/** The body of a request; undefined where it is too long. */
export async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAX_BODY) chunks.push(chunk);
  }
  return length > MAX_BODY ? undefined : Buffer.concat(chunks);
}

/** A header that was sent once; the empty string where it was not. */
export function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name.toLowerCase()];
  return typeof value === 'string' ? value : '';
}
