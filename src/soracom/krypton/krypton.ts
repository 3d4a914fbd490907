/**
 * Krypton's cellular bootstrap: whoever calls over a SORACOM Air line is known by that line, and
 * gets the settings of its virtual SIM, which is made with the first call. No call costs a second
 * SIM, but each one makes a new key pair, and the old one dies.
 */
import { UserError } from '../../lib/errors/user-error.js';
import { Secret } from '../../lib/secrets/secret.js';
import { ApiError, lostError, type Operation } from '../api-error.js';
import { parseEndpointUrl } from '../endpoint-url.js';
import { dumpRequest, dumpResponse } from '../dump.js';
import { refusalError } from '../refusal-error.js';
import { TransportError } from '../client/transport-error.js';
import { exchange, type HttpRequest, type HttpResponse } from '../client/transport.js';

export interface KryptonOptions {
  /** Base URL without `/v1`. */
  readonly endpoint: string;
  /** `arctun/VERSION (platform arch node)`. */
  readonly userAgent: string;
  /** For the whole call, in milliseconds; 30 s when absent. */
  readonly timeoutMs?: number;
  /** Takes the request and the answer as text, with every secret hidden (SORACOM_VERBOSE). */
  readonly dump?: (text: string) => void;
}

const DEFAULT_TIMEOUT = 30_000;
const CONNECT_TIMEOUT = 10_000;

const LINE_IS_THE_KEY =
  'Krypton knows its caller by the SORACOM Air line: check that the way to it is over that line.';

/** What can be said wherever an answer was sent for, and nobody knows what was done for it. */
export const KEY_MAY_BE_REPLACED =
  'The platform may have made a new key pair, so that the old arc.json may be of no use now: run the same command again. It makes no second SIM.';

/** Whether a call that failed may have made a key pair all the same; the error tells its reader so then. */
export function mayHaveMadeKey(error: unknown): boolean {
  return !(error instanceof UserError) || error.next.includes(KEY_MAY_BE_REPLACED);
}

const BOOTSTRAP_ARC: Operation = {
  purpose: 'bootstrap over the cellular line',
  advice: {
    401: [LINE_IS_THE_KEY],
    403: [LINE_IS_THE_KEY],
    404: ['Check the endpoint: https://krypton.soracom.io:8036 is that of the platform.'],
  },
};

/**
 * `bootstrapArc`, called once. Once it is sent nothing ends it before its deadline: the answer has
 * the only copy of the new key.
 *
 * @returns the body of an answer of status 2xx, which holds a private key
 * @throws ApiError; UserError of kind `usage` when the endpoint is no URL
 */
export async function bootstrapArc(options: KryptonOptions): Promise<Secret<string>> {
  const request: HttpRequest = {
    method: 'POST',
    url: `${parseEndpointUrl(options.endpoint)}/v1/provisioning/soracom/arc/bootstrap`,
    headers: {
      'Content-Type': 'application/json',
      'X-Soracom-Lang': 'en',
      'User-Agent': options.userAgent,
    },
    body: '{}',
  };
  tell(options.dump, () => dumpRequest(request));
  const response = await send(request, options.timeoutMs ?? DEFAULT_TIMEOUT);
  tell(options.dump, () => dumpResponse(response));
  const { status, body } = response;
  if (status >= 200 && status < 300) return new Secret(body);
  const refused = refusalError(BOOTSTRAP_ARC, status, body);
  // Only a 4xx says that nothing was done.
  throw status >= 400 && status < 500 ? refused : withAdvice(refused, KEY_MAY_BE_REPLACED);
}

async function send(request: HttpRequest, timeout: number): Promise<HttpResponse> {
  const deadlines = { connect: Math.min(CONNECT_TIMEOUT, timeout), whole: timeout };
  try {
    return await exchange(request, deadlines);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const lost = lostError(BOOTSTRAP_ARC, request.url, error);
    throw withAdvice(lost, error.sent ? KEY_MAY_BE_REPLACED : LINE_IS_THE_KEY);
  }
}

function withAdvice(error: ApiError, advice: string): ApiError {
  const { failure, what, why, next, status, code, cause } = error;
  const details = { ...(status !== undefined && { status }), ...(code !== undefined && { code }) };
  return new ApiError(failure, { what, why, next: [...next, advice] }, { ...details, cause });
}

/** That nobody could be told of an answer must not lose the key in it. */
function tell(dump: KryptonOptions['dump'], text: () => string): void {
  try {
    dump?.(text());
  } catch {
    // Whoever is told looks after themselves.
  }
}
