import type { IncomingHttpHeaders } from 'node:http';

import { REDACTED } from '../../lib/secret.js';

/** One call on the API, Krypton or the metadata service, with its answer's status. Bodies hold keys and are not kept. */
export interface ApiRequest {
  /** An RFC 3339 time in UTC. */
  readonly at: string;
  readonly method: string;
  /** The request target as it came, with its query. */
  readonly path: string;
  /** The headers, with those that carry credentials hidden. */
  readonly headers: IncomingHttpHeaders;
  /** 0 where a fault cut the connection before an answer. */
  readonly status: number;
  /** Who made it, by name: `OP0000000000/minimal`, an email or an authKeyId. */
  readonly user?: string;
}

const MAX_REQUESTS = 1000;

const CREDENTIAL_HEADERS = ['x-soracom-api-key', 'x-soracom-token', 'authorization', 'cookie'];

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
  const shown = { ...headers };
  for (const name of CREDENTIAL_HEADERS) if (name in shown) shown[name] = REDACTED;
  return shown;
}
