import { redactText } from '../lib/secret-shapes.js';
import { UserError } from '../lib/user-error.js';
import { refusal } from './answers.js';
import { firstLine, parseJson, redactBody } from './redact.js';
import type { TransportError, TransportFailure } from './transport-error.js';

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

/** What is known of a refusal besides its status and body. */
export interface RefusalCircumstances {
  /** Behind the API's own words, a clause each: `tried 5 times`. */
  readonly notes?: readonly string[];
  /** What to do next, instead of the general advice for the status. */
  readonly next?: readonly string[];
  readonly mayBeDone?: boolean;
  /** Takes the secrets of this run out of the body, before anything of it is shown. */
  readonly hide?: (text: string) => string;
}

/** The error for an answer whose status is not 2xx. */
export function refusalError(
  operation: Operation,
  status: number,
  body: string,
  { notes = [], next, mayBeDone = false, hide = (text) => text }: RefusalCircumstances = {},
): ApiError {
  const { code, message } = parseRefusal(body, hide);
  const reason = [code, message].filter((part) => part !== undefined).join(': ');
  const why = [`HTTP ${status}${reason === '' ? '' : `, ${reason}`}`, ...notes].join('; ');
  // A SIM that may exist is told of before anything else.
  const exists = operation.creates === true && !isDefinite(status);
  return new ApiError(
    'refused',
    {
      what: `cannot ${operation.purpose}`,
      why,
      next: exists ? SIM_MAY_EXIST : (next ?? nextSteps(operation, status)),
    },
    { status, simMayExist: exists, mayBeDone, ...(code !== undefined && { code }) },
  );
}

/**
 * A gateway's error (5xx) says nothing of what the API behind it did; and behind a redirect (3xx)
 * may stand the result of what was done (RFC 9110 15.4.4).
 */
function isDefinite(status: number): boolean {
  return status >= 400 && status < 500;
}

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
    next: exists ? SIM_MAY_EXIST : [NEXT_OF_FAILURE[error.failure]],
  };
  return new ApiError(error.failure, text, { cause: error, simMayExist: exists });
}

function parseRefusal(
  body: string,
  hide: (text: string) => string,
): { code?: string; message?: string } {
  const parsed = refusal.safeParse(parseJson(body));
  if (parsed.success) {
    const { code, message } = parsed.data;
    return {
      ...(code !== undefined && { code: redactText(hide(code)) }),
      message: firstLine(hide(message)),
    };
  }
  // A proxy's page, plain text, or JSON that may be anything: which, the body itself tells.
  const shown = firstLine(hide(redactBody(body)));
  return shown === '' ? {} : { message: shown };
}

function nextSteps(operation: Operation, status: number): readonly string[] {
  const advice = operation.advice?.[status];
  if (advice !== undefined) return advice;
  if (status >= 500) return ['The fault is on the other side: try again in some minutes.'];
  if (status >= 300 && status < 400) {
    return ['A redirect is not followed: check the endpoint, or sign in at the captive portal.'];
  }
  return NEXT_OF_STATUS[status]?.(operation) ?? [];
}

const NEXT_OF_STATUS: Readonly<Record<number, (operation: Operation) => string[]>> = {
  401: () => ['The token is not accepted any more: run the command again to sign in anew.'],
  403: ({ permission }) => [
    `Allow ${permission ?? 'this call'} in the permissions of the SAM user that signs in.`,
  ],
  404: () => ['Check the SIM id and the coverage: a SIM is known in its own coverage only.'],
  407: () => ['The proxy wants credentials: put them into HTTPS_PROXY.'],
  429: () => ['Wait a minute and try again: the API limits calls per minute.'],
};

const NEXT_OF_FAILURE: Readonly<Record<TransportFailure, string>> = {
  dns: 'Check the network, the name server, and the host name of the endpoint.',
  connection: 'Check the network, the firewall, and HTTPS_PROXY if there is a proxy.',
  timeout: 'Check the network and the proxy settings, then try again.',
  tls: 'Check the clock of this machine; behind a TLS proxy, name its CA in NODE_EXTRA_CA_CERTS.',
  'too-long': 'Check that the endpoint is the SORACOM API.',
};
