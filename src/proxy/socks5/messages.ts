/** Parses and formats SOCKS5 messages (RFC 1928). The parsers are stateless and never throw. */
import type { FailedDial } from '../dial-outcome.js';
import type { DialTarget } from '../dialer.js';
import { addressText, readTargetHost } from '../target-host.js';

export const SOCKS5_VERSION = 5;
export const SOCKS4_VERSION = 4;

const NO_AUTHENTICATION = 0;
const NO_ACCEPTABLE_METHOD = 0xff;
const CONNECT = 1;
const ADDRESS_TYPE = { ipv4: 1, name: 3, ipv6: 4 } as const;

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

/**
 * A parsed greeting: its length in bytes, and whether it offers "no authentication" (RFC 1928 3).
 */
export interface Greeting {
  readonly length: number;
  readonly isAcceptable: boolean;
}

/**
 * A parsed request: its length in bytes and its target, or the reply code if it is invalid (RFC
 * 1928 4).
 */
export interface ConnectRequest {
  readonly length: number;
  readonly target: DialTarget | ReplyCode;
}

/** Parses a greeting; undefined if incomplete. */
export function readGreeting(bytes: Uint8Array): Greeting | undefined {
  const [version, count] = bytes;
  if (version !== undefined && version !== SOCKS5_VERSION)
    return { length: 0, isAcceptable: false };
  if (count === undefined || bytes.length < 2 + count) return undefined;
  const methods = bytes.subarray(2, 2 + count);
  return { length: 2 + count, isAcceptable: methods.includes(NO_AUTHENTICATION) };
}

/** Parses a request; undefined if incomplete. */
export function readRequest(bytes: Uint8Array): ConnectRequest | undefined {
  if (bytes.length < 5) return undefined;
  const [version, command, , type, nameLength = 0] = bytes;
  if (version !== SOCKS5_VERSION) return { length: 0, target: REPLY.generalFailure };
  if (command !== CONNECT) return { length: 0, target: REPLY.commandNotSupported };
  const start = type === ADDRESS_TYPE.name ? 5 : 4;
  const size = addressSize(type, nameLength);
  if (size === undefined) return { length: 0, target: REPLY.addressTypeNotSupported };
  const end = start + size;
  if (bytes.length < end + 2) return undefined;
  const address = bytes.subarray(start, end);
  const port = ((bytes[end] ?? 0) << 8) | (bytes[end + 1] ?? 0);
  const host =
    type === ADDRESS_TYPE.name
      ? readTargetHost(Buffer.from(address).toString('latin1'))
      : addressText(address);
  const target = host === undefined || port === 0 ? REPLY.generalFailure : { host, port };
  return { length: end + 2, target };
}

function addressSize(type: number | undefined, nameLength: number): number | undefined {
  if (type === ADDRESS_TYPE.ipv4) return 4;
  if (type === ADDRESS_TYPE.ipv6) return 16;
  return type === ADDRESS_TYPE.name ? nameLength : undefined;
}

export function methodReply(isAcceptable: boolean): Uint8Array {
  return Uint8Array.of(SOCKS5_VERSION, isAcceptable ? NO_AUTHENTICATION : NO_ACCEPTABLE_METHOD);
}

/**
 * Formats the reply to a request. BND.ADDR is unspecified, because it is not this machine's
 * address.
 */
export function requestReply(code: ReplyCode): Uint8Array {
  return Uint8Array.of(SOCKS5_VERSION, code, 0, ADDRESS_TYPE.ipv4, 0, 0, 0, 0, 0, 0);
}

/** Formats the SOCKS4 reply "request rejected or failed", which a SOCKS4 client understands. */
export function socks4Refusal(): Uint8Array {
  return Uint8Array.of(0, 0x5b, 0, 0, 0, 0, 0, 0);
}

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
  'dial-failed': REPLY.generalFailure,
};

export function replyOf({ reason }: FailedDial): ReplyCode {
  return REPLY_OF[reason];
}
