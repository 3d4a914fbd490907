import type { IncomingHttpHeaders } from 'node:http';

import { redactNamed } from '../../lib/secrets/secret-shapes.js';

/** One call on the API, Krypton or the metadata service, with its answer's status. Bodies hold keys and are not kept. */
export interface ApiRequest {
  /** An RFC 3339 time in UTC. */
  readonly at: string;
  readonly method: string;
  /** The request target as it came, with its query. */
  readonly path: string;
  /** The headers, with what is secret in them hidden. */
  readonly headers: IncomingHttpHeaders;
  /** 0 where a fault cut the connection before an answer. */
  readonly status: number;
  /** Who made it, by name: `OP0000000000/minimal`, an email or an authKeyId. */
  readonly user?: string;
}

const MAX_REQUESTS = 1000;

/** The newest calls on the API, the oldest first. */
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

/** A copy of `headers` that may be shown. */
export function hideCredentials(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      value === undefined ? value : redactNamed(name, String(value)),
    ]),
  );
}
