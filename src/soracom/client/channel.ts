import { lostError } from '../api-error.js';
import { addableHeaders } from '../auth/profile-headers.js';
import type { AuthResponse } from './responses.js';
import { parseEndpointUrl } from '../endpoint-url.js';
import { dumpRequest, dumpResponse } from '../dump.js';
import { parseHttpDate } from './http-date.js';
import { KnownSecrets } from '../auth/known-secrets.js';
import type { ApiOperation } from './operations.js';
import type { SoracomClientOptions } from './options.js';
import { TransportError } from './transport-error.js';
import { exchange, type HttpRequest, type HttpResponse } from './transport.js';

export interface ApiRequest {
  /** Behind `/v1`, with the query. */
  readonly path: string;
  /** Sent as JSON, members in this order; undefined where the operation has no body. */
  readonly body?: object;
}

const CONNECT_TIMEOUT = 10_000;

/** One call of the API: what is said on the wire, and who is told of it. */
export class Channel {
  /** Whatever is added here is in no dump. */
  readonly secrets = new KnownSecrets();
  readonly #options: SoracomClientOptions;
  readonly #endpoint: string;
  readonly #profileHeaders: Readonly<Record<string, string>>;
  #serverTime: number | undefined;

  /**
   * @throws UserError of kind `usage` when the endpoint is no URL, of kind `configuration` for
   *   headers that HTTP does not allow
   */
  constructor(options: SoracomClientOptions) {
    this.#options = options;
    this.#endpoint = parseEndpointUrl(options.endpoint);
    this.#profileHeaders = addableHeaders(options.headers ?? {});
  }

  /** The `Date` of the newest answer that had one, in Unix milliseconds. */
  get serverTime(): number | undefined {
    return this.#serverTime;
  }

  /**
   * @param token of whom the call is made; nobody's without it
   * @param timeout in milliseconds
   * @returns an answer of any status
   * @throws ApiError when there was no whole answer
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
    const { dump } = this.#options;
    if (dump !== undefined) indifferent(() => dump(this.secrets.hideIn(text())));
  }

  #httpRequest(
    { method }: ApiOperation,
    { path, body }: ApiRequest,
    token: AuthResponse | undefined,
  ): HttpRequest {
    const headers = {
      ...this.#profileHeaders,
      // Where the API's document declares no body, a gateway that goes by it answers 415 to one.
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

  /** A profile's headers may let in through some gateway: nobody but its owner knows. */
  #hiddenHeaders(): ReadonlySet<string> {
    return new Set(Object.keys(this.#profileHeaders).map((name) => name.toLowerCase()));
  }
}

/** An answer may hold a key that is told once: that nobody could be told of it must not lose it. */
function indifferent(tell: () => void): void {
  try {
    tell();
  } catch {
    // Whoever is told looks after themselves.
  }
}
