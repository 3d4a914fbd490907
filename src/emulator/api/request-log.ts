import type { IncomingHttpHeaders } from 'node:http';

import { redactNamed } from '../../lib/secrets/secret-shapes.js';

/**
 * One call to the API, Krypton or the metadata service, with the response status. Bodies are not
 * logged, because they contain keys.
 */
export interface ApiRequest {
  /** The time of the call in RFC 3339 format, in UTC. */
  readonly at: string;
  readonly method: string;
  /** The original request target, including its query. */
  readonly path: string;
  /** The headers, with secrets hidden. */
  readonly headers: IncomingHttpHeaders;
  /** The response status; 0 if a fault closed the connection before the response. */
  readonly status: number;
  /** The caller's name: `OP0000000000/minimal`, an email address or an authKeyId. */
  readonly user?: string;
}

const MAX_REQUESTS = 1000;

/** The latest API calls, oldest first. */
export class RequestLog {
  readonly #requests: ApiRequest[] = [];

  add(request: ApiRequest): void {
    this.#requests.push(request);
    if (this.#requests.length > MAX_REQUESTS) this.#requests.shift();
  }

  all(): readonly ApiRequest[] {
    return this.#requests;
  }
}

/** Returns a copy of `headers` without secrets, safe to show. */
export function hideCredentials(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      value === undefined ? value : redactNamed(name, String(value)),
    ]),
  );
}
