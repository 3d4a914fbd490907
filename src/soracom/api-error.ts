import { UserError, type UserErrorText } from '../lib/errors/user-error.js';
import type { TransportError, TransportFailure } from './client/transport-error.js';
import { isLoopbackUrl, type Service, SORACOM_API } from './endpoint-url.js';

/**
 * How an API call failed:
 *
 * - `refused`: the API returned a status other than 2xx
 * - `unintelligible`: the API returned 2xx, but the response does not match its specification
 * - all others: no complete response was received
 */
export type ApiFailure = 'refused' | 'unintelligible' | TransportFailure;

/** A failed call to the SORACOM API. */
export class ApiError extends UserError {
  override readonly name = 'ApiError';
  readonly failure: ApiFailure;
  /** HTTP status; undefined if no response was received. */
  readonly status: number | undefined;
  /** The API's error code, such as `SEM0016`. */
  readonly code: string | undefined;
  /** Whether the call may have created a SIM despite the failure; see `simMayExist`. */
  readonly simMayExist: boolean;
  /** Whether an earlier attempt that returned 5xx may have taken effect. */
  readonly mayBeDone: boolean;
  /** The pause that the server asks for before a retry, in milliseconds. */
  readonly retryAfter: number | undefined;

  constructor(
    failure: ApiFailure,
    text: UserErrorText,
    details: Partial<
      Pick<ApiError, 'status' | 'code' | 'simMayExist' | 'mayBeDone' | 'retryAfter'>
    > = {},
  ) {
    super('api', text);
    this.failure = failure;
    this.status = details.status;
    this.code = details.code;
    this.simMayExist = details.simMayExist ?? false;
    this.mayBeDone = details.mayBeDone ?? false;
    this.retryAfter = details.retryAfter;
  }

  /** Returns a copy of this error with one more sentence of advice. */
  withAdvice(sentence: string): ApiError {
    return copyWithAdvice(this, sentence);
  }
}

/**
 * This function is outside the class because esbuild renames a class that creates its own objects,
 * and Node.js prints the name of the class if the error is not caught.
 */
function copyWithAdvice(error: ApiError, sentence: string): ApiError {
  const { failure, what, why, next, cause } = error;
  return new ApiError(failure, { what, why, next: [...next, sentence], cause }, error);
}

/**
 * Whether a failed `createSim` may have created a SIM, which is billed. True if the request was
 * sent and not definitely refused (4xx).
 */
export function simMayExist(error: unknown): boolean {
  return error instanceof ApiError && error.simMayExist;
}

/** The properties of an API operation that are needed for error messages. */
export interface Operation {
  /**
   * What the call does, worded to complete the message "cannot …", such as `create a virtual SIM`.
   */
  readonly purpose: string;
  /** The service that is called; by default, the SORACOM API. */
  readonly service?: Service;
  /** The SAM permission that the operation requires. */
  readonly permission?: string;
  /** Whether a call without a response may have cost money. */
  readonly creates?: boolean;
  /** What to do for a status, if the general advice does not apply. */
  readonly advice?: Readonly<Record<number, readonly string[]>>;
}

/**
 * Advice for a lost createSim response: a second call could create a second SIM, which is also
 * billed.
 */
export const SIM_MAY_EXIST = [
  'Look for a new SIM with `arctun sim list --since TIME`, where TIME is the start time of this command: a billed SIM may already exist.',
  'Or run bootstrap again: it will look for that SIM before it creates another one.',
  'Give that SIM a new key with `arctun bootstrap authkey --adopt SIM_ID`, or stop its billing with `arctun sim terminate SIM_ID`. Its private key cannot be shown again.',
] as const;

/** Builds the error for a 2xx response that does not match the specification. */
export function unintelligibleError(operation: Operation, status: number, why: string): ApiError {
  const creates = operation.creates === true;
  const next = creates
    ? SIM_MAY_EXIST
    : [
        'Check that the endpoint is the SORACOM API, and that the response does not come from a proxy.',
      ];
  return new ApiError(
    'unintelligible',
    { what: `cannot ${operation.purpose}`, why: `HTTP ${status}, but ${why}`, next },
    { status, simMayExist: creates },
  );
}

/** Builds the error for a call without a complete response. */
export function lostError(operation: Operation, url: string, error: TransportError): ApiError {
  const exists = operation.creates === true && error.sent;
  const text = {
    what: `cannot ${operation.purpose}`,
    why: `${new URL(url).host}: ${error.message}`,
    next: exists ? SIM_MAY_EXIST : [nextOf(error, url, operation.service)],
    cause: error,
  };
  return new ApiError(error.failure, text, { simMayExist: exists });
}

function nextOf({ failure, sent }: TransportError, url: string, service = SORACOM_API): string {
  if (failure === 'connection') {
    if (sent && url.startsWith('http:')) return MAY_NEED_TLS;
    // A loopback endpoint is usually the emulator.
    if (isLoopbackUrl(url)) {
      return `Start \`arctun emulator\`. To use SORACOM, do not set ${service.settings}.`;
    }
  }
  return NEXT_OF_FAILURE[failure].replace(SORACOM_API.name, service.name);
}

/** Advice if a server accepts a connection without TLS, but does not respond in HTTP. */
const MAY_NEED_TLS =
  'Check the port of the endpoint, and use https:// if the server expects TLS on this port.';

const NEXT_OF_FAILURE: Readonly<Record<TransportFailure, string>> = {
  dns: 'Check the network, the name server, and the host name of the endpoint.',
  connection: 'Check the network and the firewall, and HTTPS_PROXY if you use a proxy.',
  proxy:
    'Check HTTPS_PROXY and its credentials. If HTTPS_PROXY names the proxy that `arctun up` provides, add the host to NO_PROXY.',
  timeout: 'Check the network and the proxy settings, then try again.',
  tls: 'Check that the endpoint is the SORACOM API. If a proxy intercepts TLS, set NODE_EXTRA_CA_CERTS to its CA.',
  'tls-clock':
    "Check this machine's clock: by this clock, the certificate has expired or is not valid yet.",
  'not-tls': 'Check the scheme and the port of the endpoint.',
  'too-long': 'Check that the endpoint is the SORACOM API.',
};
