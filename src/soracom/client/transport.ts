/**
 * One HTTP exchange with limits on time and size, without redirects or retries. HTTP_PROXY,
 * HTTPS_PROXY, ALL_PROXY and NO_PROXY select the proxy. Requests to this machine never use one. For
 * https, axios uses CONNECT through a proxy.
 */
import http from 'node:http';
import https from 'node:https';
import { TLSSocket } from 'node:tls';
import axios, { type AxiosRequestConfig } from 'axios';
import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { isLoopbackUrl } from '../endpoint-url.js';
import { TransportError, type TransportFailure } from './transport-error.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpResponse {
  readonly status: number;
  /** The headers by lowercase name, as in Node. Repeated headers are joined with commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Deadlines in milliseconds. */
export interface Deadlines {
  /** The timeout for establishing the connection, including TLS and proxy. */
  readonly connect: number;
  /** The timeout for the whole response. */
  readonly whole: number;
}

/** The maximum response size in bytes. API responses are only a few KB long. */
const MAX_ANSWER = 4 << 20;

/**
 * Sends a request and reads the whole response.
 *
 * @param signal aborts the exchange; the promise then rejects with the abort reason
 * @throws TransportError
 */
export async function exchange(
  request: HttpRequest,
  deadlines: Deadlines,
  signal?: AbortSignal,
): Promise<HttpResponse> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(deadlines.whole);
  const connection = new Connection(deadlines.connect);
  try {
    const { status, headers, data } = await axios.request<string>({
      ...FIXED_CONFIG,
      ...connection.config,
      // A remote proxy cannot reach this machine, and must not see requests to it.
      ...(isLoopbackUrl(request.url) && { proxy: false }),
      method: request.method,
      url: request.url,
      headers: {
        Accept: 'application/json',
        // On a request without a body, axios would set the Content-Type of a form.
        ...(request.body === undefined && { 'Content-Type': false }),
        ...request.headers,
      },
      ...(request.body !== undefined && { data: request.body }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (connection.isRefusedByProxy) throw new Error(`the proxy did not connect: HTTP ${status}`);
    return { status, headers: plainHeaders(headers), body: data };
  } catch (error) {
    signal?.throwIfAborted();
    throw connection.explain(error, timeout.aborted ? deadlines.whole : undefined);
  } finally {
    connection.close();
  }
}

const FIXED_CONFIG: AxiosRequestConfig<string> = {
  maxRedirects: 0,
  validateStatus: () => true,
  maxContentLength: MAX_ANSWER,
  responseType: 'text',
  // Disable axios's JSON conversion, so that bodies keep their exact bytes.
  transformRequest: [(data: unknown) => data],
  transformResponse: [(data: unknown) => data],
};

function plainHeaders(headers: object): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    plain[name] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return plain;
}

/** Observes one connection: when it is established, and whether bytes may have been sent. */
class Connection {
  /**
   * Use a new connection for each call: if a kept-alive connection closes during a request, the
   * client cannot know whether the call took effect.
   */
  readonly #httpAgent = new http.Agent({ keepAlive: false });
  readonly #httpsAgent = new https.Agent({ keepAlive: false });
  readonly #connectDeadline: number;
  #timer: NodeJS.Timeout | undefined;
  #stands = false;
  #late = false;
  #isRefusedByProxy = false;

  constructor(connectDeadline: number) {
    this.#connectDeadline = connectDeadline;
  }

  get config(): AxiosRequestConfig<string> {
    return {
      httpAgent: this.#httpAgent,
      httpsAgent: this.#httpsAgent,
      // axios has only one timeout for the whole exchange, so enforce the connect deadline here.
      transport: {
        request: (options: https.RequestOptions, onResponse: (r: http.IncomingMessage) => void) => {
          const isHttps = options.protocol === 'https:';
          return this.#watch((isHttps ? https : http).request(options, onResponse), isHttps);
        },
      },
    };
  }

  /**
   * Whether the proxy refused to connect to the server, so that the response comes from the proxy.
   */
  get isRefusedByProxy(): boolean {
    return this.#isRefusedByProxy;
  }

  #watch(request: http.ClientRequest, isHttps: boolean): http.ClientRequest {
    this.#timer = setTimeout(() => {
      this.#late = true;
      request.destroy(new Error('connect deadline'));
    }, this.#connectDeadline);
    request.once('socket', (socket) => {
      const isTls = socket instanceof TLSSocket;
      // If CONNECT fails, axios's agent replays the proxy's response on a socket without TLS.
      if (isHttps && !isTls) this.#isRefusedByProxy = true;
      else if (!isTls && !socket.connecting) this.#stand();
      else socket.once(isTls ? 'secureConnect' : 'connect', () => this.#stand());
    });
    return request;
  }

  #stand(): void {
    this.#stands = true;
    clearTimeout(this.#timer);
  }

  explain(error: unknown, wholeDeadline: number | undefined): TransportError {
    const fail = (failure: TransportFailure, reason: string) =>
      new TransportError(failure, this.#stands, reason, { cause: withoutRequest(error) });
    if (this.#late)
      return fail('timeout', `no connection within ${this.#connectDeadline / 1000} s`);
    if (wholeDeadline !== undefined) {
      return fail('timeout', `no response within ${wholeDeadline / 1000} s`);
    }
    const message = messageOf(error);
    if (this.#isRefusedByProxy) return fail('proxy', message);
    const code = codeOf(error) ?? '';
    if (message.includes('maxContentLength')) {
      return fail('too-long', `the response is longer than ${MAX_ANSWER} bytes`);
    }
    if (code === 'EPROTO' && NOT_TLS.test(message)) {
      return fail('not-tls', 'the server does not use TLS on this port');
    }
    if (message === 'socket hang up') {
      return fail('connection', 'the server closed the connection without a response');
    }
    return fail(failureOf(code), message === '' ? code : message);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#httpAgent.destroy();
    this.#httpsAgent.destroy();
  }
}

const DNS = /^(ENOTFOUND|EAI_)/;
const TLS = /CERT|SIGNATURE|ERR_TLS|ERR_SSL|^EPROTO$/;
const TLS_CLOCK = /^(CERT_NOT_YET_VALID|CERT_HAS_EXPIRED)$/;
/** Matches OpenSSL's messages for bytes that are not a TLS record. */
const NOT_TLS = /wrong version number|packet length too long|http request|unknown protocol/i;

/** Returns the kind of failure for a Node error code. */
export function failureOf(code: string): TransportFailure {
  if (DNS.test(code)) return 'dns';
  if (TLS_CLOCK.test(code)) return 'tls-clock';
  return TLS.test(code) ? 'tls' : 'connection';
}

/** Returns the cause of an axios error, because the error itself contains the request's secrets. */
function withoutRequest(error: unknown): unknown {
  return axios.isAxiosError(error) ? error.cause : error;
}
