/** Formats responses like the recorded ones: JSON with a newline, and no keep-alive header. */
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** The Runtime API allows responses of 6 MB; longer bodies are cut off here. */
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
  // Node.js does not add a removed header again.
  response.removeHeader('Connection');
  if (close) response.shouldKeepAlive = false;
  response.writeHead(status, {
    ...headers,
    'Content-Length': Buffer.byteLength(text),
    ...(close ? { Connection: 'close' } : {}),
  });
  response.end(text);
}

/** An error response in the format of both APIs. */
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

/** Reads the body of a request; undefined if it is too long. */
export async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAX_BODY) chunks.push(chunk);
  }
  return length > MAX_BODY ? undefined : Buffer.concat(chunks);
}

/** The value of a header sent once; otherwise the empty string. */
export function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name.toLowerCase()];
  return typeof value === 'string' ? value : '';
}
