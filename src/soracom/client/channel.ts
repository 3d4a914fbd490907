import { lostError } from '../api-error.js';
import { addableHeaders } from '../auth/profile-headers.js';
import type { AuthResponse } from './responses.js';
import { parseEndpointUrl } from '../endpoint-url.js';
import { dumpRequest, dumpResponse, tell } from '../dump.js';
import { parseHttpDate } from './http-date.js';
import { KnownSecrets } from '../auth/known-secrets.js';
import type { ApiOperation } from './operations.js';
import type { SoracomClientOptions } from './options.js';
import { TransportError } from './transport-error.js';
import { exchange, type HttpRequest, type HttpResponse } from './transport.js';

export interface ApiRequest {
  /** The path after `/v1`, including the query. */
  readonly path: string;
  /** The body, sent as JSON with members in this order; undefined if the operation has no body. */
  readonly body?: object;
}

const CONNECT_TIMEOUT = 10_000;

/** Sends single API calls, and passes requests and responses to the `dump` callback. */
export class Channel {
  /** Hides the secrets added to it in all dumps. */
  readonly secrets = new KnownSecrets();
  readonly #options: SoracomClientOptions;
  readonly #endpoint: string;
  readonly #profileHeaders: Readonly<Record<string, string>>;
  #serverTime: number | undefined;

  /**
   * @throws UserError of kind `usage` if the endpoint is not a URL, of kind `configuration` for
   * headers that HTTP does not allow
   */
  constructor(options: SoracomClientOptions) {
    this.#options = options;
    this.#endpoint = parseEndpointUrl(options.endpoint);
    this.#profileHeaders = addableHeaders(options.headers ?? {});
  }

  /** The latest `Date` header received, in Unix milliseconds. */
  get serverTime(): number | undefined {
    return this.#serverTime;
  }

  /**
   * @param token the calling user's token; undefined for an unauthenticated call
   * @param timeout the timeout in milliseconds
   * @returns a response with any status
   * @throws ApiError if no complete response was received
   */
  async send(
    operation: ApiOperation,
    request: ApiRequest,
    token: AuthResponse | undefined,
    timeout: number,
  ): Promise<HttpResponse> {
    const signal = operation.outlivesStop ? undefined : this.#options.signal;
    signal?.throwIfAborted();
    const sent = this.#httpRequest(operation, request, token);
    this.#dump(() => dumpRequest(sent, this.#hiddenHeaders()));
    const deadlines = { connect: Math.min(CONNECT_TIMEOUT, timeout), whole: timeout };
    let response: HttpResponse;
    try {
      response = await exchange(sent, deadlines, operation.creates ? undefined : signal);
    } catch (error) {
      throw error instanceof TransportError ? lostError(operation, sent.url, error) : error;
    }
    this.#serverTime = parseHttpDate(response.headers.date ?? '') ?? this.#serverTime;
    this.#dump(() => dumpResponse(response));
    return response;
  }

  #dump(text: () => string): void {
    tell(this.#options.dump, () => this.secrets.hideIn(text()));
  }

  #httpRequest(
    { method }: ApiOperation,
    { path, body }: ApiRequest,
    token: AuthResponse | undefined,
  ): HttpRequest {
    const headers = {
      ...this.#profileHeaders,
      // A gateway that validates requests against the API's OpenAPI document returns 415 for a body
      // that the document does not declare.
      ...(body && { 'Content-Type': 'application/json' }),
      'X-Soracom-Lang': 'en',
      'User-Agent': this.#options.userAgent,
      ...(token && {
        'X-Soracom-Api-Key': token.apiKey.expose(),
        'X-Soracom-Token': token.token.expose(),
      }),
    };
    const url = `${this.#endpoint}/v1${path}`;
    return { method, url, headers, ...(body && { body: JSON.stringify(body) }) };
  }

  /**
   * Returns the names of a profile's headers. Their values may be secrets and are therefore hidden.
   */
  #hiddenHeaders(): ReadonlySet<string> {
    return new Set(Object.keys(this.#profileHeaders).map((name) => name.toLowerCase()));
  }
}
