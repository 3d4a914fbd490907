/** Reports a missing target response to a client, with a status and a JSON reason. */
import { STATUS_CODES } from 'node:http';

import type { Silence } from '../../lib/silence.js';
import { formatAuthority } from '../../lib/text/http-syntax.js';
import { CHALLENGE } from '../authentication/password-check.js';
import type { DialTarget, FailedDial } from '../dialer.js';
import { type BrowserRefusal, corsFields, REFUSAL_STATUS } from './browser-check.js';
import type { ClientResponse } from './client/client-message.js';

/**
 * The reason why the target did not send a response.
 *
 * - the reason of a FailedDial: the connection failed
 * - `reset`: the connection was lost before a response
 * - `bad-answer`: the response is not HTTP/1.1, or cannot be forwarded
 * - `request-timeout`: the client did not finish its request in time
 * - `header-too-large`: the request head exceeds the limit
 * - `too-many-requests`: the client pipelined too many requests, or the spool sends too many
 * - `foreign-host`, `foreign-origin`: a web page may have sent the request (browser-check.ts)
 * - `password-required`, `wrong-password`: the proxy requires a password
 * - `unknown-user`: the user name for the proxy is not the name of a SIM
 * - `sim-required`, `unknown-sim`: a request to the forwarder does not name one of its SIMs
 * - `spool-full`, `spool-failed`: the spool cannot keep the request, which cannot be sent
 * - `method-not-allowed`, `not-implemented`, `http-version`, `bad-request`: the request cannot be
 *   forwarded
 */
export type FailureReason =
  | FailedDial['reason']
  | 'reset'
  | 'bad-answer'
  | 'request-timeout'
  | 'header-too-large'
  | 'too-many-requests'
  | 'password-required'
  | 'wrong-password'
  | 'unknown-user'
  | 'sim-required'
  | 'unknown-sim'
  | 'spool-full'
  | 'spool-failed'
  | 'method-not-allowed'
  | 'not-implemented'
  | 'http-version'
  | BrowserRefusal['reason'];

export interface ForwardFailure {
  readonly reason: FailureReason;
  readonly message: string;
  /** The cause of the tunnel's silence, for `no-handshake` and `timeout`. */
  readonly silence?: Silence | undefined;
  /** The ID under which a spool keeps the request as `unknown`, because it may have arrived. */
  readonly spoolId?: string | undefined;
  /** Why the spool does not keep the request. */
  readonly notKept?: string | undefined;
  /** The Retry-After value in seconds, for `over-budget`. */
  readonly retryAfter?: number | undefined;
}

const STATUS: Readonly<Record<FailureReason, number>> = {
  'no-route': 502,
  'no-handshake': 504,
  refused: 502,
  unreachable: 502,
  timeout: 504,
  closed: 502,
  exhausted: 502,
  'not-ready': 503,
  'no-such-name': 502,
  'name-unresolved': 504,
  // RFC 6585 4.
  'over-budget': 429,
  'dial-failed': 502,
  reset: 502,
  'bad-answer': 502,
  'request-timeout': 408,
  'header-too-large': 431,
  'too-many-requests': 503,
  'password-required': 407,
  'wrong-password': 407,
  'unknown-user': 407,
  'sim-required': 400,
  'unknown-sim': 404,
  // RFC 4918 11.5.
  'spool-full': 507,
  'spool-failed': 507,
  'method-not-allowed': 405,
  'not-implemented': 501,
  // RFC 9110 15.6.6.
  'http-version': 505,
  ...REFUSAL_STATUS,
};

/**
 * The Retry-After value in seconds, for reasons that are temporary and mean that nothing was sent
 * (RFC 9110 10.2.3).
 */
const RETRY_AFTER: Partial<Record<FailureReason, number>> = {
  // WireGuard 6.1: the next handshake initiation is sent after REKEY_TIMEOUT.
  'no-handshake': 5,
  'not-ready': 5,
  exhausted: 1,
  'too-many-requests': 1,
};

/** Causes that waiting does not resolve. */
const LASTING = new Set<Silence | undefined>(['wrong-key', 'clock-behind']);

/** The field with the ID of a message in the spool. */
const SPOOL_ID = 'Arctun-Spool-Id';

const WAITING = 'older messages wait in the spool';

/** The Allow field that RFC 9110 15.5.6 requires in a 405. */
const ALLOW = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/**
 * Whether to answer late, so that a client cannot try many passwords or names.
 */
export function isGuess({ reason }: ForwardFailure): boolean {
  return reason === 'wrong-password' || reason === 'unknown-user' || reason === 'unknown-sim';
}

export function statusOf(failure: ForwardFailure): number {
  return STATUS[failure.reason];
}

/** The client has sent no complete head in time. */
export const HEAD_LATE: ForwardFailure = {
  reason: 'request-timeout',
  message: 'the request headers did not arrive in time',
};

/** Converts a parser error; undefined if the client's bytes did not cause it. */
export function malformedFailure(error: NodeJS.ErrnoException): ForwardFailure | undefined {
  const code = error.code ?? '';
  if (code === 'HPE_HEADER_OVERFLOW') {
    return { reason: 'header-too-large', message: 'the request headers are too large' };
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return HEAD_LATE;
  }
  // A client that disconnects in the middle of a message has sent nothing malformed.
  if (!code.startsWith('HPE_') || code === 'HPE_INVALID_EOF_STATE') return undefined;
  return { reason: 'bad-request', message: `the request is not HTTP/1.1: ${error.message}` };
}

/**
 * The header fields and body of the failure response.
 *
 * @param target undefined if the request was rejected before its target was known
 */
export function failureResponse(
  failure: ForwardFailure,
  target: DialTarget | undefined,
): { fields: Record<string, string | number>; body: string } {
  const { reason, silence, message, spoolId, notKept, retryAfter = RETRY_AFTER[reason] } = failure;
  const to = target && formatAuthority(target);
  const error = { reason, silence, message, target: to, spoolId, notKept };
  const body = `${JSON.stringify({ error })}\n`;
  const fields: Record<string, string | number> = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  };
  if (spoolId !== undefined) fields[SPOOL_ID] = spoolId;
  if (retryAfter !== undefined && !LASTING.has(silence)) fields['Retry-After'] = retryAfter;
  if (reason === 'method-not-allowed') fields['Allow'] = ALLOW;
  // RFC 9110 15.5.8: a 407 MUST contain a challenge.
  if (statusOf(failure) === 407) fields['Proxy-Authenticate'] = CHALLENGE;
  return { fields, body };
}

/**
 * Writes the response for a request that the spool keeps; the caller ends it.
 *
 * @param failure why the request was not sent; undefined if older messages wait
 */
export function writeKept(
  response: ClientResponse,
  { id, failure }: { readonly id: string; readonly failure: ForwardFailure | undefined },
  target: DialTarget,
  corsOrigin?: string,
): void {
  const { reason = 'waiting', silence, message = WAITING } = failure ?? {};
  const kept = { id, reason, silence, message, target: formatAuthority(target) };
  const body = `${JSON.stringify({ kept })}\n`;
  const fields = ['Content-Type', 'application/json', 'Content-Length', Buffer.byteLength(body)];
  const cors = corsOrigin === undefined ? [] : corsFields(corsOrigin).flat();
  response.writeHead(202, reasonOf(202), [...fields.map(String), SPOOL_ID, id, ...cors]);
  response.write(body);
}

/**
 * Writes the head and the body; the caller ends the response.
 *
 * @param corsOrigin the origin whose pages may read the response
 */
export function writeFailure(
  response: ClientResponse,
  failure: ForwardFailure,
  target: DialTarget | undefined,
  corsOrigin?: string,
): void {
  const { fields, body } = failureResponse(failure, target);
  const cors = corsOrigin === undefined ? [] : corsFields(corsOrigin).flat();
  const status = statusOf(failure);
  const lines = [...Object.entries(fields).flat().map(String), ...cors];
  response.writeHead(status, reasonOf(status), lines);
  response.write(body);
}

/** Formats a failure response as a string, for a socket without a ClientResponse. */
export function rawFailure(failure: ForwardFailure, target: DialTarget | undefined): string {
  const { fields, body } = failureResponse(failure, target);
  const status = statusOf(failure);
  const lines = Object.entries({ ...fields, Connection: 'close' });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${status} ${reasonOf(status)}\r\n${head}\r\n${body}`;
}

function reasonOf(status: number): string {
  return STATUS_CODES[status] ?? '';
}
