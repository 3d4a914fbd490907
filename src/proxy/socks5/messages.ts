/**
 * Parses and formats SOCKS5 messages (RFC 1928, RFC 1929). The parsers are stateless and never
 * throw.
 */
import type { UserCredentials } from '../authentication/password-check.js';
import type { DialTarget, FailedDial } from '../dialer.js';
import { addressText, readTargetHost } from '../target-host.js';

export const SOCKS5_VERSION = 5;

/** The authentication methods of RFC 1928 3. */
export const METHOD = { none: 0, password: 2, noneAcceptable: 0xff } as const;

/** The version of the username/password subnegotiation (RFC 1929 2). */
const PASSWORD_VERSION = 1;

const CONNECT = 1;
const UDP_ASSOCIATE = 3;
export const ADDRESS_TYPE = { ipv4: 1, name: 3, ipv6: 4 } as const;

/** The reply codes of RFC 1928 6. */
export const REPLY = {
  succeeded: 0,
  generalFailure: 1,
  notAllowed: 2,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  commandNotSupported: 7,
  addressTypeNotSupported: 8,
} as const;

export type ReplyCode = (typeof REPLY)[keyof typeof REPLY];

/** A parsed greeting: its length in bytes, and the authentication methods that it offers. */
export interface Greeting {
  readonly length: number;
  readonly methods: Uint8Array;
}

/** A parsed username/password request (RFC 1929 2); without credentials if it is malformed. */
export interface PasswordRequest {
  readonly length: number;
  readonly credentials: UserCredentials | undefined;
}

/**
 * A parsed request: its length in bytes and what it asks for, or the reply code if it is invalid
 * (RFC 1928 4).
 */
export interface SocksRequest {
  readonly length: number;
  readonly wish:
    | { readonly command: 'connect'; readonly target: DialTarget }
    /** `port` is the client's UDP port; 0 if the client does not know it yet. */
    | { readonly command: 'associate'; readonly port: number }
    | ReplyCode;
}

/** Parses a greeting; undefined if incomplete. */
export function readGreeting(bytes: Uint8Array): Greeting | undefined {
  const [version, count] = bytes;
  if (version !== undefined && version !== SOCKS5_VERSION)
    return { length: 0, methods: new Uint8Array(0) };
  if (count === undefined || bytes.length < 2 + count) return undefined;
  return { length: 2 + count, methods: bytes.subarray(2, 2 + count) };
}

/** Parses a username/password request; undefined if incomplete. */
export function readPassword(bytes: Uint8Array): PasswordRequest | undefined {
  const [version, nameLength] = bytes;
  if (version !== undefined && version !== PASSWORD_VERSION)
    return { length: 0, credentials: undefined };
  if (nameLength === undefined) return undefined;
  const start = 3 + nameLength;
  const passwordLength = bytes[start - 1];
  if (passwordLength === undefined || bytes.length < start + passwordLength) return undefined;
  const length = start + passwordLength;
  const user = bytes.subarray(2, start - 1);
  return { length, credentials: { user, password: bytes.subarray(start, length) } };
}

/** Parses a request; undefined if incomplete. */
export function readRequest(bytes: Uint8Array): SocksRequest | undefined {
  if (bytes.length < 5) return undefined;
  const [version, command, , type, nameLength = 0] = bytes;
  if (version !== SOCKS5_VERSION) return { length: 0, wish: REPLY.generalFailure };
  if (command !== CONNECT && command !== UDP_ASSOCIATE)
    return { length: 0, wish: REPLY.commandNotSupported };
  const start = type === ADDRESS_TYPE.name ? 5 : 4;
  const size = addressSize(type, nameLength);
  if (size === undefined) return { length: 0, wish: REPLY.addressTypeNotSupported };
  const end = start + size;
  if (bytes.length < end + 2) return undefined;
  const length = end + 2;
  const port = ((bytes[end] ?? 0) << 8) | (bytes[end + 1] ?? 0);
  // Ignore the client's address: RFC 1928 7 requires the relay to use that of the TCP connection.
  if (command === UDP_ASSOCIATE) return { length, wish: { command: 'associate', port } };
  const host = readHost(type, bytes.subarray(start, end));
  if (host === undefined || port === 0) return { length, wish: REPLY.generalFailure };
  return { length, wish: { command: 'connect', target: { host, port } } };
}

function readHost(type: number | undefined, address: Uint8Array): string | undefined {
  if (type !== ADDRESS_TYPE.name) return addressText(address);
  return readTargetHost(Buffer.from(address).toString('latin1'));
}

function addressSize(type: number | undefined, nameLength: number): number | undefined {
  if (type === ADDRESS_TYPE.ipv4) return 4;
  if (type === ADDRESS_TYPE.ipv6) return 16;
  return type === ADDRESS_TYPE.name ? nameLength : undefined;
}

export function methodReply(method: (typeof METHOD)[keyof typeof METHOD]): Uint8Array {
  return Uint8Array.of(SOCKS5_VERSION, method);
}

/** Formats the reply to a username/password request: any status except 0 is a failure. */
export function passwordReply(isRight: boolean): Uint8Array {
  return Uint8Array.of(PASSWORD_VERSION, isRight ? 0 : 1);
}

/**
 * Formats the reply to a request.
 *
 * @param bound the address of the UDP relay (4 or 16 bytes) and its port. For CONNECT, BND.ADDR is
 * unspecified, because it is not this machine's address.
 */
export function requestReply(
  code: ReplyCode,
  bound: { readonly address: Uint8Array; readonly port: number } = UNSPECIFIED,
): Uint8Array {
  const { address, port } = bound;
  const type = address.length === 16 ? ADDRESS_TYPE.ipv6 : ADDRESS_TYPE.ipv4;
  return Uint8Array.of(SOCKS5_VERSION, code, 0, type, ...address, port >> 8, port & 0xff);
}

const UNSPECIFIED = { address: new Uint8Array(4), port: 0 };

const REPLY_OF: Readonly<Record<FailedDial['reason'], ReplyCode>> = {
  'no-route': REPLY.notAllowed,
  'no-handshake': REPLY.networkUnreachable,
  refused: REPLY.refused,
  unreachable: REPLY.hostUnreachable,
  timeout: REPLY.hostUnreachable,
  closed: REPLY.generalFailure,
  exhausted: REPLY.generalFailure,
  'not-ready': REPLY.networkUnreachable,
  'no-such-name': REPLY.hostUnreachable,
  'name-unresolved': REPLY.hostUnreachable,
  'over-budget': REPLY.notAllowed,
  'dial-failed': REPLY.generalFailure,
};

export function replyOf({ reason }: FailedDial): ReplyCode {
  return REPLY_OF[reason];
}
