/** Errors like those of node:net, node:dgram and node:dns, with the tunnel's error as the cause. */
import { constants } from 'node:os';

import { DialError, type DialFailure } from '../../proxy/dialer.js';

/** An error with the properties of a Node.js socket error. */
export interface SystemError extends Error {
  /** The error code, such as `ECONNREFUSED` or `ENETUNREACH`. */
  readonly code: string;
  /** The system's negative number for the code; undefined for name errors. */
  readonly errno: number | undefined;
  /** `connect`, `read`, `listen`, `bind`, `send`, `recv` or `getaddrinfo`. */
  readonly syscall: string;
  /** The remote or local address, if any. */
  readonly address?: string;
  readonly port?: number;
  /** The name that `getaddrinfo` looked up. */
  readonly hostname?: string;
}

export const ADDRESS_GONE = 'the address of this tunnel has changed';

/** The failed operation and its target. */
export interface ErrorPlace {
  readonly syscall: string;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly hostname?: string;
}

/**
 * - `no-handshake` means that the Arc server is silent, and `timeout` that the target is silent;
 *   `cause.silence` distinguishes the two
 * - `closed` means that this side ended the connection
 */
const CODE_OF: Readonly<Record<DialFailure, string>> = {
  'no-route': 'ENETUNREACH',
  'no-handshake': 'ETIMEDOUT',
  refused: 'ECONNREFUSED',
  unreachable: 'EHOSTUNREACH',
  timeout: 'ETIMEDOUT',
  closed: 'ECONNABORTED',
  exhausted: 'ENOBUFS',
  'not-ready': 'ENETDOWN',
  'no-such-name': 'ENOTFOUND',
  'name-unresolved': 'EAI_AGAIN',
  'over-budget': 'EDQUOT',
};

/** Converts the error of a dial to the Node.js error; returns other errors unchanged. */
export function connectError(error: unknown, place: ErrorPlace & { hostname: string }): Error {
  if (!(error instanceof DialError)) return error as Error;
  if (isOfName(error)) return lookupError(error, place.hostname);
  const { syscall, address, port } = place;
  return systemError(CODE_OF[error.reason], { syscall, address, port }, error);
}

/** Converts the error of a name query to the error that dns.lookup() would return. */
export function lookupError(error: unknown, hostname: string): Error {
  if (!(error instanceof DialError)) return error as Error;
  return systemError(codeOfLookup(error.reason), { syscall: 'getaddrinfo', hostname }, error);
}

function codeOfLookup(reason: DialFailure): string {
  if (reason === 'no-such-name' || reason === 'over-budget') return CODE_OF[reason];
  // The name servers may be unreachable or silent only temporarily.
  return reason === 'closed' ? 'EAI_CANCELED' : 'EAI_AGAIN';
}

function isOfName({ reason }: DialError): boolean {
  return reason === 'no-such-name' || reason === 'name-unresolved';
}

/** @param cause details that the code does not express */
export function systemError(code: string, place: ErrorPlace, cause?: unknown): SystemError {
  const { syscall, address, port, hostname } = place;
  const where = hostname ?? endText(address, port);
  const message = [syscall, code, where].filter((part) => part !== undefined).join(' ');
  return describe(new Error(message, cause === undefined ? {} : { cause }), code, place);
}

type LossReason = 'reset' | 'refused' | 'timeout' | 'unreachable' | 'address-gone' | 'aborted';

const LOSS: Readonly<Record<LossReason, readonly [code: string, text: string]>> = {
  reset: ['ECONNRESET', 'the connection was reset by the other side'],
  refused: ['ECONNREFUSED', 'the connection was refused'],
  timeout: ['ETIMEDOUT', 'the other side did not answer in time'],
  unreachable: ['EHOSTUNREACH', 'the host is unreachable'],
  // Some systems end the sockets of a removed address with the same code. Linux lets such sockets
  // time out.
  'address-gone': ['ECONNABORTED', ADDRESS_GONE],
  aborted: ['ECONNABORTED', 'the connection was aborted'],
};

/** Returns the error that ends a connection to the remote endpoint. */
export function closeError(
  reason: LossReason,
  address: string | undefined,
  port: number | undefined,
): SystemError {
  const [code, text] = LOSS[reason];
  return describe(new Error(text), code, { syscall: 'read', address, port });
}

/** Returns the error that ends an open connection after the traffic budget is used up. */
export function cutError(): SystemError {
  const text = 'the connection was reset, because the traffic budget is used up';
  return describe(new Error(text), 'EDQUOT', { syscall: 'read' });
}

/** Returns the error for a UDP socket whose bound address was removed from the tunnel. */
export function addressGoneError(): SystemError {
  return describe(new Error(ADDRESS_GONE), 'ECONNABORTED', { syscall: 'recv' });
}

/** Returns the error for a write after both sides have ended the connection. */
export function writeError(address: string | undefined, port: number | undefined): SystemError {
  const error = new Error('the other side has closed this socket');
  return describe(error, 'EPIPE', { syscall: 'write', address, port });
}

/** Adds the properties of a system error, and keeps the error's own message. */
function describe(error: Error, code: string, place: ErrorPlace): SystemError {
  const { syscall, address, port, hostname } = place;
  return Object.assign(error, {
    errno: errnoOf(code),
    code,
    syscall,
    ...(address !== undefined && { address }),
    ...(port !== undefined && { port }),
    ...(hostname !== undefined && { hostname }),
  });
}

function endText(address: string | undefined, port: number | undefined): string | undefined {
  if (address === undefined || port === undefined) return address;
  return `${address}:${port}`;
}

function errnoOf(code: string): number | undefined {
  const number = (constants.errno as Partial<Record<string, number>>)[code];
  return number === undefined ? undefined : -number;
}

/**
 * Checks a host to connect to. Unlike in Node.js, the host does not default to localhost.
 * @throws TypeError `ERR_INVALID_ARG_TYPE`
 */
export function readHost(host: unknown): string {
  if (typeof host === 'string' && host !== '') return host;
  const error = new TypeError('host must be an IP address or a name inside the tunnel');
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/**
 * Parses a port like Node.js: a number, or a decimal string.
 * @throws RangeError `ERR_SOCKET_BAD_PORT`
 */
export function readPort(port: number | string, minimum: 0 | 1): number {
  const number = typeof port === 'string' && port.trim() === '' ? NaN : Number(port);
  if (Number.isInteger(number) && number >= minimum && number <= 0xffff) return number;
  const error = new RangeError(`port must be an integer from ${minimum} to 65535, not ${port}`);
  throw Object.assign(error, { code: 'ERR_SOCKET_BAD_PORT' });
}
