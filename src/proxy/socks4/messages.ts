/**
 * Parses and formats messages of SOCKS4, and of SOCKS4a, in which the proxy resolves the name. The
 * parsers are stateless and never throw.
 */
import type { DialTarget } from '../dialer.js';
import { addressText, readTargetHost } from '../target-host.js';

export const SOCKS4_VERSION = 4;

const CONNECT = 1;
const HEADER_LENGTH = 8;

/** The maximum length in bytes of a user ID and of a name, without their NUL. */
const MAX_USER_ID = 255;
const MAX_NAME = 255;

/** A parsed request: its length in bytes, and its target or the reason why it is refused. */
export interface Socks4Request {
  readonly length: number;
  /** Empty if the request is refused. */
  readonly userId: string;
  readonly target: DialTarget | 'malformed' | 'not-connect';
}

/** Parses a request; undefined if incomplete. */
export function readRequest(bytes: Uint8Array): Socks4Request | undefined {
  const [version, command] = bytes;
  if (version !== undefined && version !== SOCKS4_VERSION) return refused('malformed');
  if (command !== undefined && command !== CONNECT) return refused('not-connect');
  const userId = readString(bytes, HEADER_LENGTH, MAX_USER_ID);
  if (typeof userId !== 'object') return userId && refused(userId);
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  const address = bytes.subarray(4, HEADER_LENGTH);
  if (!isOfName(address)) {
    const length = userId.end;
    return {
      length,
      userId: userId.text,
      target: port === 0 ? 'malformed' : { host: addressText(address), port },
    };
  }
  const name = readString(bytes, userId.end, MAX_NAME);
  if (typeof name !== 'object') return name && refused(name);
  const host = readTargetHost(name.text);
  const read = { length: name.end, userId: userId.text };
  return { ...read, target: host === undefined || port === 0 ? 'malformed' : { host, port } };
}

/** SOCKS4a: the address 0.0.0.x, with x other than 0, means that a name follows. */
function isOfName([first, second, third, fourth]: Uint8Array): boolean {
  return first === 0 && second === 0 && third === 0 && fourth !== 0;
}

/** Reads text that ends with NUL; undefined if incomplete. */
function readString(
  bytes: Uint8Array,
  start: number,
  most: number,
): { text: string; end: number } | 'malformed' | undefined {
  const end = bytes.indexOf(0, start);
  if (end < 0) return bytes.length - start > most ? 'malformed' : undefined;
  if (end - start > most) return 'malformed';
  return { text: Buffer.from(bytes.subarray(start, end)).toString('latin1'), end: end + 1 };
}

function refused(target: 'malformed' | 'not-connect'): Socks4Request {
  return { length: 0, userId: '', target };
}

/** Formats a reply: "request granted", or "request rejected or failed". */
export function reply(isGranted: boolean): Uint8Array {
  return Uint8Array.of(0, isGranted ? 0x5a : 0x5b, 0, 0, 0, 0, 0, 0);
}
