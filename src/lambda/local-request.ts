/**
 * HTTP requests to other services of the execution environment. The requests use node:http because
 * fetch() times out after 300 s, and an environment may wait hours for its next event.
 */
import { type IncomingHttpHeaders, request } from 'node:http';

import { readLimited } from '../lib/read-limited.js';

export interface LocalRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Called when the request has been passed to the operating system. */
  readonly onSent?: (() => void) | undefined;
  /** Milliseconds for the whole response; absent for no limit. */
  readonly timeout?: number | undefined;
  /** The maximum size of the response in bytes. */
  readonly limit: number;
}

export interface LocalResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** @throws Error if no complete response arrives */
export function localRequest(
  url: URL,
  { method, headers, body, onSent, timeout, limit }: LocalRequest,
): Promise<LocalResponse> {
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const ofContent = content && {
    'Content-Type': 'application/json',
    'Content-Length': content.length,
  };
  return new Promise((resolve, reject) => {
    // Use a new connection, because a kept-alive connection may be dead after a freeze.
    const call = request(url, { method, agent: false, headers: { ...headers, ...ofContent } });
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => call.destroy(new Error(`no response within ${timeout} ms`)), timeout);
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    call.on('error', fail);
    if (onSent !== undefined) call.once('finish', onSent);
    const tooLong = () => new Error(`the response is longer than ${limit} bytes`);
    call.once('response', (response) => {
      readLimited<Buffer>(response, limit, tooLong).then((chunks) => {
        clearTimeout(timer);
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body: Buffer.concat(chunks).toString('utf8') });
      }, fail);
    });
    call.end(content);
  });
}
