import type { z } from 'zod';
import type { Secret } from '../lib/secret.js';
import {
  arcSessionAnswer,
  authAnswer,
  simAnswer,
  type ArcSessionAnswer,
  type AuthAnswer,
  type SimAnswer,
} from './answers.js';
import {
  ApiError,
  firstLine,
  refusalError,
  SIM_MAY_EXIST,
  unintelligibleError,
  type Operation,
} from './api-error.js';
import { parseEndpointUrl } from './coverage.js';
import { exchange, TransportError, type HttpResponse, type TransportFailure } from './transport.js';

export interface SoracomClientOptions {
  /** Base URL without `/v1`. */
  readonly endpoint: string;
  /** `arctun/VERSION (platform arch node)`. */
  readonly userAgent: string;
  /** For each call as a whole, in milliseconds; 30 s when absent. */
  readonly timeoutMs?: number;
  readonly log?: SoracomLog;
  /** Ends calls that have not been answered, except createSim. */
  readonly signal?: AbortSignal;
}

/** The part of a log that this client writes to: methods, paths and statuses, no bodies. */
export interface SoracomLog {
  debug(fields: object, message: string): void;
}

/** An auth key of a SAM user or of the root user. */
export interface AuthKey {
  /** Begins with `keyId-`. */
  readonly authKeyId: string;
  /** Begins with `secret-`. */
  readonly authKey: Secret<string>;
  /** How long the token lives, in seconds. */
  readonly tokenTimeoutSeconds: number;
}

const DEFAULT_TIMEOUT = 30_000;
const CONNECT_TIMEOUT = 10_000;

const AUTH: Operation = { purpose: 'sign in to SORACOM' };
const LOGOUT: Operation = { purpose: 'sign out of SORACOM' };
const GET_SIM: Operation = { purpose: 'read the virtual SIM', permission: 'Sim:getSim' };
const CREATE_SIM: Operation = {
  purpose: 'create a virtual SIM',
  permission: 'Sim:createSim',
  creates: true,
};
const CREATE_ARC_SESSION: Operation = {
  purpose: 'create an Arc session',
  permission: 'Sim:createArcSession',
};

/**
 * The SORACOM API, as far as an Arc needs it. Requests are soratun's, byte for byte. No call is
 * ever repeated: createSim costs money, and for the others the user knows better when.
 */
export class SoracomClient {
  readonly #endpoint: string;
  readonly #options: SoracomClientOptions;
  #credentials: AuthAnswer | undefined;

  /** @throws UserError of kind `usage` when the endpoint is no URL */
  constructor(options: SoracomClientOptions) {
    this.#endpoint = parseEndpointUrl(options.endpoint);
    this.#options = options;
  }

  /** Signs in; the calls that follow carry the token. @throws ApiError */
  async auth({ authKeyId, authKey, tokenTimeoutSeconds }: AuthKey): Promise<void> {
    const body = { authKeyId, authKey: authKey.expose(), tokenTimeoutSeconds };
    this.#credentials = await this.#call(AUTH, authAnswer, { path: '/auth', body });
  }

  /** Revokes the token. @throws ApiError */
  async logout(): Promise<void> {
    await this.#send(LOGOUT, { path: '/auth/logout', body: {} });
    this.#credentials = undefined;
  }

  /**
   * Creates a virtual SIM, which costs money. Once sent, no signal ends it: the answer carries the
   * private key, and nobody shows it again.
   * @throws ApiError; its next steps say when a SIM may exist all the same
   */
  async createSim(): Promise<SimAnswer> {
    const body = { type: 'virtual', subscription: 'planArc01' };
    return this.#call(CREATE_SIM, simAnswer, { path: '/sims', body });
  }

  /** @throws ApiError */
  async getSim(simId: string): Promise<SimAnswer> {
    return this.#call(GET_SIM, simAnswer, { path: `/sims/${encodeURIComponent(simId)}` });
  }

  /** Creates the session of a SIM, or creates it anew. @throws ApiError */
  async createArcSession(simId: string): Promise<ArcSessionAnswer> {
    const path = `/sims/${encodeURIComponent(simId)}/sessions/arc`;
    return this.#call(CREATE_ARC_SESSION, arcSessionAnswer, { path, body: {} });
  }

  async #call<T>(operation: Operation, schema: z.ZodType<T>, request: ApiRequest): Promise<T> {
    const { status, body } = await this.#send(operation, request);
    const answer = schema.safeParse(parseJson(body));
    if (answer.success) return answer.data;
    const [issue] = answer.error.issues;
    throw unintelligibleError(operation, status, describeMisfit(body, issue?.path.join('.') ?? ''));
  }

  /** One call; resolves with an answer of status 2xx. */
  async #send(operation: Operation, { path, body }: ApiRequest): Promise<HttpResponse> {
    const { signal, log, timeoutMs = DEFAULT_TIMEOUT } = this.#options;
    signal?.throwIfAborted();
    const method = body === undefined ? 'GET' : 'POST';
    const url = `${this.#endpoint}/v1${path}`;
    const deadlines = { connect: Math.min(CONNECT_TIMEOUT, timeoutMs), whole: timeoutMs };
    let response: HttpResponse;
    try {
      response = await exchange(
        { method, url, headers: this.#headers(), ...(body && { body: JSON.stringify(body) }) },
        deadlines,
        operation.creates ? undefined : signal,
      );
    } catch (error) {
      throw error instanceof TransportError ? lostError(operation, url, error) : error;
    }
    log?.debug({ method, url, status: response.status }, 'SORACOM API answered');
    if (response.status >= 200 && response.status < 300) return response;
    throw refusalError(operation, response.status, response.body);
  }

  #headers(): Record<string, string> {
    return {
      'Content-Type': 'application/json',
      'X-Soracom-Lang': 'en',
      'User-Agent': this.#options.userAgent,
      ...(this.#credentials && {
        'X-Soracom-Api-Key': this.#credentials.apiKey.expose(),
        'X-Soracom-Token': this.#credentials.token.expose(),
      }),
    };
  }
}

interface ApiRequest {
  /** Behind `/v1`. */
  readonly path: string;
  /** Sent by POST, members in this order; without one the call is a GET. */
  readonly body?: object;
}

/** An answer that was cut short may hold a key or a token; what looks like JSON is not shown. */
function describeMisfit(body: string, place: string): string {
  if (parseJson(body) !== undefined) {
    return `the answer lacks what it should have${place === '' ? '' : ` at ${place}`}`;
  }
  return `the answer is not JSON: ${body.trimStart().startsWith('<') ? firstLine(body) : '(not shown)'}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const NEXT: Readonly<Record<TransportFailure, string>> = {
  dns: 'Check the network, the name server, and the host name of the endpoint.',
  connection: 'Check the network, the firewall, and HTTPS_PROXY if there is a proxy.',
  timeout: 'Check the network and the proxy settings, then try again.',
  tls: 'Check the clock of this machine; behind a TLS proxy, name its CA in NODE_EXTRA_CA_CERTS.',
  'too-long': 'Check that the endpoint is the SORACOM API.',
};

function lostError(operation: Operation, url: string, error: TransportError): ApiError {
  const mayExist = operation.creates === true && error.sent;
  const text = {
    what: `cannot ${operation.purpose}`,
    why: `${new URL(url).host}: ${error.message}`,
    next: mayExist ? SIM_MAY_EXIST : [NEXT[error.failure]],
  };
  return new ApiError(error.failure, text, { cause: error });
}
