/**
 * The requests and replies, each one line of JSON, that turn a local socket into one connection or
 * channel of a shared tunnel:
 *
 *     {"request":"dial","host":"…","port":80}       →  {"dialled":true}, then frames
 *     {"request":"datagrams","host":"…","port":53}  →  {"open":true,"maxPayload":1392}, then frames
 *     {"request":"echo","host":"…","family":4}      →  {"open":true,"address":"…","maxPayload":1394},
 *                                                      then frames (echo-frames.ts)
 *
 * Each may be answered with {"error":"…","reason":"refused"}.
 */
import { parseJson } from '../../lib/text/parse-json.js';
import { type DialFailure, type DialTarget } from '../dialer.js';
import { readTargetHost } from '../target-host.js';

export const LINE_END = '\n';

/** The maximum length of a reply in bytes. */
export const MAX_REPLY = 16_384;

export interface DialRequest extends DialTarget {
  /** Whether the client needs to know how many bytes the target has acknowledged. */
  readonly confirms: boolean;
}

export function dialLine({ host, port, confirms }: DialRequest): string {
  return lineOf({ request: 'dial', host, port, ...(confirms && { confirms }) });
}

export function datagramsLine({ host, port }: DialTarget): string {
  return lineOf({ request: 'datagrams', host, port });
}

export interface EchoRequest {
  readonly host: string;
  /** The only address family to use; undefined for both. */
  readonly family: 4 | 6 | undefined;
}

export function echoLine({ host, family }: EchoRequest): string {
  return lineOf({ request: 'echo', host, family });
}

/** Parses the target of a `dial` or `datagrams` request; undefined if it is invalid. */
export function readRequest(request: object): DialRequest | undefined {
  const { host, port, confirms } = request as Record<string, unknown>;
  const target = typeof host === 'string' ? readTargetHost(host) : undefined;
  const isPort = Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535;
  if (target === undefined || !isPort) return undefined;
  return { host: target, port: port as number, confirms: confirms === true };
}

/** Parses an `echo` request; undefined if it is invalid. */
export function readEchoRequest(request: object): EchoRequest | undefined {
  const { host, family } = request as Record<string, unknown>;
  const target = typeof host === 'string' ? readTargetHost(host) : undefined;
  const isFamily = family === undefined || family === 4 || family === 6;
  return target === undefined || !isFamily ? undefined : { host: target, family };
}

/** Why a request failed, in a form that another process can read. */
export interface Refusal {
  readonly error: string;
  readonly reason: DialFailure | 'dial-failed' | 'bad-request';
  /** Further details, which the sender and the receiver of the refusal define. */
  readonly [detail: string]: unknown;
}

export const BAD_REQUEST: Refusal = {
  error: 'the request does not contain a valid target',
  reason: 'bad-request',
};

export function lineOf(value: object): string {
  return `${JSON.stringify(value)}${LINE_END}`;
}

/** Parses a reply; an empty object if it is not a JSON object. */
export function readReply(line: string): Readonly<Record<string, unknown>> {
  const value = parseJson(line);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** A Record, so that a failure that is missing here does not compile. */
const DIAL_FAILURES: Readonly<Record<DialFailure, true>> = {
  'no-route': true,
  'no-handshake': true,
  refused: true,
  unreachable: true,
  timeout: true,
  closed: true,
  exhausted: true,
  'not-ready': true,
  'no-such-name': true,
  'name-unresolved': true,
  'over-budget': true,
};

export function isDialFailure(value: unknown): value is DialFailure {
  return typeof value === 'string' && Object.hasOwn(DIAL_FAILURES, value);
}
