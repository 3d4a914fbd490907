import { UserError } from '../lib/errors/user-error.js';
import type { TransportError, TransportFailure } from './client/transport-error.js';
import { isLoopbackUrl } from './endpoint-url.js';

/**
 * Why a call failed.
 *
 * - `refused`: the API answered with a status other than 2xx
 * - `unintelligible`: it answered 2xx, but not what its specification says
 * - the others: there was no whole answer
 */
export type ApiFailure = 'refused' | 'unintelligible' | TransportFailure;

/** A call to the SORACOM API that did not succeed. */
export class ApiError extends UserError {
  override readonly name = 'ApiError';
  readonly failure: ApiFailure;
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The API's own code, such as `SEM0016`. */
  readonly code: string | undefined;
  /** Whether the call may have created a SIM all the same; see `simMayExist`. */
  readonly simMayExist: boolean;
  /** Whether an earlier attempt of the same call, whose answer was a 5xx, may have been carried out. */
  readonly mayBeDone: boolean;

  constructor(
    failure: ApiFailure,
    text: { what: string; why: string; next?: readonly string[] },
    details: {
      status?: number;
      code?: string;
      simMayExist?: boolean;
      mayBeDone?: boolean;
      cause?: unknown;
    } = {},
  ) {
    super('api', text, details.cause === undefined ? undefined : { cause: details.cause });
    this.failure = failure;
    this.status = details.status;
    this.code = details.code;
    this.simMayExist = details.simMayExist ?? false;
    this.mayBeDone = details.mayBeDone ?? false;
  }
}

/**
 * Whether a failed `createSim` may have left a SIM that is billed: it was sent, and what came back
 * is no definite refusal (4xx). Everything else that `createSim` rejects with left none.
 */
export function simMayExist(error: unknown): boolean {
  return error instanceof ApiError && error.simMayExist;
}

/** One operation of the API, as messages need it. */
export interface Operation {
  /** What the call is for, to be read behind `cannot`: `create a virtual SIM`. */
  readonly purpose: string;
  /** The SAM permission that it needs. */
  readonly permission?: string;
  /** Whether a call that was not answered may have cost money. */
  readonly creates?: boolean;
  /** What to do about a status, where it is not what is generally to be done. */
  readonly advice?: Readonly<Record<number, readonly string[]>>;
}

/** What one can do when the answer to createSim is lost. A second call would be a second bill. */
export const SIM_MAY_EXIST = [
  'A SIM may have been created and billed. Look for it with `arctun sim list --since TIME`, TIME ' +
    'being when this command began.',
  'Running bootstrap again looks for that SIM before it creates another.',
  'Its private key cannot be shown again: give it a new one with `arctun bootstrap authkey --adopt ' +
    'SIM_ID`, or end its bill with `arctun sim terminate SIM_ID`.',
] as const;

/** The error for an answer of status 2xx that is not what the specification promises. */
export function unintelligibleError(operation: Operation, status: number, why: string): ApiError {
  const creates = operation.creates === true;
  const next = creates
    ? SIM_MAY_EXIST
    : ['Check that the endpoint is the SORACOM API, and that no proxy answers in its place.'];
  return new ApiError(
    'unintelligible',
    { what: `cannot ${operation.purpose}`, why: `HTTP ${status}, but ${why}`, next },
    { status, simMayExist: creates },
  );
}

/** The error for a call that has no whole answer. */
export function lostError(operation: Operation, url: string, error: TransportError): ApiError {
  const exists = operation.creates === true && error.sent;
  const text = {
    what: `cannot ${operation.purpose}`,
    why: `${new URL(url).host}: ${error.message}`,
    next: exists ? SIM_MAY_EXIST : [nextOf(error.failure, url)],
  };
  return new ApiError(error.failure, text, { cause: error, simMayExist: exists });
}

function nextOf(failure: TransportFailure, url: string): string {
  return failure === 'connection' && isLoopbackUrl(url)
    ? NOTHING_LISTENS
    : NEXT_OF_FAILURE[failure];
}

/** An endpoint on this machine is the emulator's, as a rule. */
const NOTHING_LISTENS =
  'Start `arctun emulator`, or unset ARCTUN_ENDPOINT and leave --endpoint out to use SORACOM.';

const NEXT_OF_FAILURE: Readonly<Record<TransportFailure, string>> = {
  dns: 'Check the network, the name server, and the host name of the endpoint.',
  connection: 'Check the network, the firewall, and HTTPS_PROXY if there is a proxy.',
  timeout: 'Check the network and the proxy settings, then try again.',
  tls: 'Check that the endpoint is the SORACOM API. If a proxy opens TLS, set NODE_EXTRA_CA_CERTS to its CA.',
  'tls-clock':
    "Check this machine's clock: the certificate is not valid at the time that it shows.",
  'not-tls': 'Check the scheme and the port of the endpoint.',
  'too-long': 'Check that the endpoint is the SORACOM API.',
};
