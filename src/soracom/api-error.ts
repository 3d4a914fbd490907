import { UserError } from '../lib/user-error.js';
import { refusal } from './answers.js';

/**
 * Why a call failed.
 *
 * - `refused`: the API answered with a status other than 2xx
 * - `unintelligible`: it answered 2xx, but not what its specification says
 * - the others: there was no whole answer
 */
export type ApiFailure =
  'refused' | 'unintelligible' | 'dns' | 'connection' | 'timeout' | 'tls' | 'too-long';

/** A call to the SORACOM API that did not succeed. */
export class ApiError extends UserError {
  override readonly name = 'ApiError';
  readonly failure: ApiFailure;
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The API's own code, such as `SEM0016`. */
  readonly code: string | undefined;

  constructor(
    failure: ApiFailure,
    text: { what: string; why: string; next?: readonly string[] },
    details: { status?: number; code?: string; cause?: unknown } = {},
  ) {
    super('api', text, details.cause === undefined ? undefined : { cause: details.cause });
    this.failure = failure;
    this.status = details.status;
    this.code = details.code;
  }
}

/** One operation of the API, as messages need it. */
export interface Operation {
  /** What the call is for, to be read behind `cannot`: `create a virtual SIM`. */
  readonly purpose: string;
  /** The SAM permission that it needs. */
  readonly permission?: string;
  /** Whether a call that was not answered may have cost money. */
  readonly creates?: boolean;
}

/** What one can do when the answer to createSim is lost. A second call would be a second bill. */
export const SIM_MAY_EXIST = [
  'A SIM may have been created and billed. Look before you try again: in the user console, or ' +
    'with `soracom sims list`, for a virtual SIM (planArc01) of this minute.',
  'Its private key cannot be shown again: give it a new one there, or terminate it.',
] as const;

/** The error for an answer whose status is not 2xx. */
export function refusalError(operation: Operation, status: number, body: string): ApiError {
  const { code, message } = parseRefusal(body);
  const reason = [code, message].filter((part) => part !== undefined).join(': ');
  const why = `HTTP ${status}${reason === '' ? '' : `, ${reason}`}`;
  return new ApiError(
    'refused',
    { what: `cannot ${operation.purpose}`, why, next: nextSteps(operation, status) },
    { status, ...(code !== undefined && { code }) },
  );
}

/** The error for an answer of status 2xx that is not what the specification promises. */
export function unintelligibleError(operation: Operation, status: number, why: string): ApiError {
  const next = operation.creates
    ? SIM_MAY_EXIST
    : ['Check that the endpoint is the SORACOM API, and that no proxy answers in its place.'];
  return new ApiError(
    'unintelligible',
    { what: `cannot ${operation.purpose}`, why: `HTTP ${status}, but ${why}`, next },
    { status },
  );
}

function parseRefusal(body: string): { code?: string; message?: string } {
  try {
    const parsed = refusal.safeParse(JSON.parse(body));
    if (parsed.success) return { code: parsed.data.code, message: firstLine(parsed.data.message) };
  } catch {
    // Not JSON: a proxy's page, or the API's own plain text.
  }
  const line = firstLine(body);
  return line === '' ? {} : { message: line };
}

const SHOWN_LENGTH = 200;

/** The first line that is not empty, without control characters. */
export function firstLine(text: string): string {
  const line = text.trimStart().split(/[\r\n]/, 1)[0] ?? '';
  return line
    .replaceAll(/\p{Control}/gu, ' ')
    .trim()
    .slice(0, SHOWN_LENGTH);
}

function nextSteps(operation: Operation, status: number): readonly string[] {
  // A gateway's error says nothing of what the API behind it did.
  if (status >= 500 && operation.creates) return SIM_MAY_EXIST;
  if (status >= 500) return ['The fault is on the other side: try again in some minutes.'];
  if (status >= 300 && status < 400) {
    return ['A redirect is not followed: check the endpoint, or sign in at the captive portal.'];
  }
  return NEXT[status]?.(operation) ?? [];
}

const NEXT: Readonly<Record<number, (operation: Operation) => string[]>> = {
  401: () => [
    'Check the auth key ID and the auth key.',
    'Check the coverage: a key of Japan coverage is unknown to Global, and the other way round.',
  ],
  403: ({ permission }) => [
    `Allow ${permission ?? 'this call'} in the permissions of the SAM user that owns the key.`,
  ],
  404: () => ['Check the SIM id and the coverage: a SIM is known in its own coverage only.'],
  407: () => ['The proxy wants credentials: put them into HTTPS_PROXY.'],
  429: () => ['Wait a minute and try again: the API limits calls per minute.'],
};
