/**
 * Krypton's cellular bootstrap. Krypton identifies the caller by its SORACOM Air connection and
 * returns the settings of the caller's virtual SIM, which the first call creates. Later calls do
 * not create another SIM, but each call replaces the key pair.
 */
import { Secret } from '../../lib/secrets/secret.js';
import { lostError, type Operation } from '../api-error.js';
import { KRYPTON, parseEndpointUrl } from '../endpoint-url.js';
import { dumpRequest, dumpResponse, tell } from '../dump.js';
import { refusalError } from '../refusal-error.js';
import type { SoracomClientOptions } from '../client/options.js';
import { TransportError } from '../client/transport-error.js';
import { exchange, type HttpRequest, type HttpResponse } from '../client/transport.js';

export type KryptonOptions = Pick<
  SoracomClientOptions,
  'endpoint' | 'userAgent' | 'timeoutMs' | 'dump'
>;

const DEFAULT_TIMEOUT = 30_000;
const CONNECT_TIMEOUT = 10_000;

const LINE_IS_THE_KEY =
  'Check that the route to Krypton uses the SORACOM Air connection; Krypton identifies the SIM by that connection.';

/** Advice for a request whose effect is unknown. */
export const KEY_MAY_BE_REPLACED =
  'Try again: SORACOM may have replaced the key pair, so the key in an existing file may no longer work. This will not create a second SIM.';

const BOOTSTRAP_ARC: Operation = {
  purpose: 'bootstrap over the cellular connection',
  service: KRYPTON,
  advice: {
    401: [LINE_IS_THE_KEY],
    403: [LINE_IS_THE_KEY],
    404: [`Check the endpoint: SORACOM's is ${KRYPTON.url}.`],
  },
};

/**
 * Calls `bootstrapArc` once. After the request is sent, only the timeout can end the call, because
 * the response contains the only copy of the new key.
 *
 * @returns the body of a 2xx response, which contains a private key
 * @throws ApiError, or UserError of kind `usage` if the endpoint is not a URL
 */
export async function bootstrapArc(options: KryptonOptions): Promise<Secret<string>> {
  const request: HttpRequest = {
    method: 'POST',
    url: `${parseEndpointUrl(options.endpoint, KRYPTON)}/v1/provisioning/soracom/arc/bootstrap`,
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
  // Only a 4xx status guarantees that the request changed nothing.
  throw status >= 400 && status < 500 ? refused : refused.withAdvice(KEY_MAY_BE_REPLACED);
}

async function send(request: HttpRequest, timeout: number): Promise<HttpResponse> {
  const deadlines = { connect: Math.min(CONNECT_TIMEOUT, timeout), whole: timeout };
  try {
    return await exchange(request, deadlines);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const lost = lostError(BOOTSTRAP_ARC, request.url, error);
    // The scheme of the endpoint is wrong, so the route to Krypton does not matter.
    if (error.failure === 'not-tls') throw lost;
    throw lost.withAdvice(error.sent ? KEY_MAY_BE_REPLACED : LINE_IS_THE_KEY);
  }
}
