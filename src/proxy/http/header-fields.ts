/**
 * Header fields of forwarded messages (RFC 9110 7.6): all fields except the hop-by-hop ones stay in
 * their order, with the same spelling and number.
 *
 * The proxy adds no Via, although RFC 9110 7.6.3 requires it, and no X-Forwarded-For: the proxy is
 * part of the sending device, no route leads from the tunnel back to a local port, and each byte is
 * billed.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';

import type { DialTarget } from '../dialer.js';
import { hostHeader } from '../listen-address.js';
import type { ClientHead } from './client/client-message.js';
import type { ResponseHead } from './response-head.js';

export type HeaderField = readonly [name: string, value: string];

/**
 * RFC 9110 7.6.1; the three Proxy-Auth… fields end at a proxy (11.7), but other Proxy-… fields do
 * not. RFC 9113 3.1 makes the hop-by-hop field HTTP2-Settings obsolete.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * RFC 9110 7.6.1: a connection option must not name a field that is meant for all recipients. If
 * the proxy dropped these fields, a client could change where the message ends, or which host it is
 * for.
 */
const NEVER_AN_OPTION: ReadonlySet<string> = new Set(['content-length', 'host']);

const NO_OPTIONS: ReadonlySet<string> = new Set();

/** Whether a field, given by its name in any case, is hop-by-hop. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name.toLowerCase());
}

/**
 * Fields for framing, routing or authentication, which are never valid as trailers (RFC 9110
 * 6.5.1).
 */
const NEVER_A_TRAILER: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'max-forwards',
  'set-cookie',
]);

export interface RequestOptions {
  /** Fields that replace those of the client with the same name. */
  readonly added: readonly HeaderField[];
  /** The name, in lower case, of a field that is not forwarded. */
  readonly without?: string | undefined;
  /** Whether the client waits for a 100 response before it sends its body (RFC 9110 10.1.1). */
  readonly expectsContinue: boolean;
  /** Whether the client requests a protocol upgrade on this connection (RFC 9110 7.8). */
  readonly upgrades: boolean;
  /** Whether the target may keep the connection open after its response. */
  readonly keepsAlive: boolean;
}

/**
 * The fields of the request to the target. Like a proxy, sets the Host field from the request
 * target (RFC 9112 3.2.2), unless an added field replaces it.
 */
export function requestFields(
  request: ClientHead,
  target: DialTarget,
  { added, without, expectsContinue, upgrades, keepsAlive }: RequestOptions,
): string[] {
  const isAdded = (name: string): boolean => added.some(([other]) => other.toLowerCase() === name);
  // RFC 9110 7.2: Host should be the first field.
  const fields = isAdded('host') ? [] : ['Host', hostHeader(target)];
  const isKept = (name: string): boolean =>
    name !== 'host' && name !== 'expect' && name !== without && !isAdded(name);
  fields.push(...decremented(request, filterFields(endToEndFields(request.rawHeaders), isKept)));
  for (const [name, value] of added) fields.push(name, value);
  // Forward the expectation, because the target must meet it; this proxy forwards its 1xx response.
  if (expectsContinue) fields.push('Expect', '100-continue');
  if (isChunked(request)) {
    fields.push(...fieldsNamed(request.rawHeaders, 'trailer'), 'Transfer-Encoding', 'chunked');
  }
  if (upgrades) {
    fields.push('Upgrade', wantedProtocols(request).join(', '), 'Connection', 'Upgrade');
  } else if (takesTrailers(request)) {
    // RFC 9110 10.1.4: TE applies to one connection. Trailers are requested upstream if the client
    // accepts them.
    fields.push('TE', 'trailers', 'Connection', keepsAlive ? 'TE' : 'close, TE');
  } else if (!keepsAlive) {
    fields.push('Connection', 'close');
  }
  return fields;
}

/**
 * The upgrade protocols that a client offers, except h2c, which RFC 9113 3.1 makes obsolete.
 * According to RFC 9110 7.8, each hop may choose.
 */
export function wantedProtocols({ headers }: ClientHead): string[] {
  const protocols = (headers.upgrade ?? '').split(',').map((protocol) => protocol.trim());
  return protocols.filter((protocol) => protocol !== '' && protocol.toLowerCase() !== 'h2c');
}

/** Decrements Max-Forwards of TRACE and OPTIONS (RFC 9110 7.6.2). */
function decremented({ method }: ClientHead, fields: string[]): string[] {
  if (!countsHops(method)) return fields;
  return fields.map((text, index) => {
    const isHops = index % 2 === 1 && fields[index - 1]?.toLowerCase() === 'max-forwards';
    return isHops && /^\d{1,9}$/.test(text) ? String(Math.max(0, Number(text) - 1)) : text;
  });
}

/** Whether Max-Forwards forbids another hop (RFC 9110 7.6.2). */
export function isLastHop({ method, headers }: ClientHead): boolean {
  return countsHops(method) && /^0+$/.test(String(headers['max-forwards'] ?? ''));
}

function countsHops(method: string | undefined): boolean {
  return method === 'TRACE' || method === 'OPTIONS';
}

function takesTrailers({ headers, httpVersionMinor }: ClientHead): boolean {
  if (headers.te === undefined || httpVersionMinor < 1) return false;
  const options = String(headers.te).toLowerCase().split(',');
  return options.some((option) => option.trim() === 'trailers');
}

/**
 * The fields of the response to the client, as alternating names and values; the response adds the
 * framing.
 *
 * @param isChunked whether the client receives chunks, and so may receive trailers
 */
export function answerFields(
  answer: Pick<ResponseHead, 'status' | 'rawHeaders'>,
  isChunked: boolean,
): string[] {
  // RFC 9110 8.6: a 204 must not have Content-Length either.
  const hasNoLength = answer.status === 204;
  const fields = hasNoLength ? interimFields(answer.rawHeaders) : endToEndFields(answer.rawHeaders);
  if (isChunked) fields.push(...fieldsNamed(answer.rawHeaders, 'trailer'));
  return fields;
}

/**
 * The fields of an interim (1xx) response to the client. RFC 9110 8.6: Content-Length is forbidden;
 * a client that honored it would read the final response as a body (RFC 9112 6.3).
 */
export function interimFields(rawHeaders: readonly string[]): string[] {
  return filterFields(endToEndFields(rawHeaders), (name) => name !== 'content-length');
}

/** The fields of a 101 response (RFC 9110 15.2.2). */
export function switchFields({ rawHeaders }: ResponseHead): string[] {
  const upgrade = fieldsNamed(rawHeaders, 'upgrade');
  return [...interimFields(rawHeaders), ...upgrade, 'Connection', 'Upgrade'];
}

/**
 * The trailer fields of a message, given as alternating names and values, without those that are
 * invalid as trailers.
 */
export function trailerFields(rawTrailers: readonly string[]): [string, string][] {
  const fields = filterFields(
    rawTrailers,
    (name, value) =>
      !HOP_BY_HOP.has(name) && !NEVER_A_TRAILER.has(name) && areWritable('', [name, value]),
  );
  const pairs: [string, string][] = [];
  for (let index = 0; index < fields.length; index += 2)
    pairs.push([fields[index] ?? '', fields[index + 1] ?? '']);
  return pairs;
}

/** Whether Node writes the request target and fields unchanged instead of throwing. */
export function areWritable(path: string, fields: readonly string[]): boolean {
  if (!/^[\x21-\xff]*$/.test(path)) return false;
  try {
    for (let index = 0; index + 1 < fields.length; index += 2) {
      validateHeaderName(fields[index] ?? '');
      validateHeaderValue(fields[index] ?? '', fields[index + 1] ?? '');
    }
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether fields, given as alternating names and values, authenticate the connection instead of the
 * request (NTLM, and Negotiate of RFC 4559). Another client must not use such a connection.
 */
export function bindConnection(rawHeaders: readonly string[]): boolean {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const isAuth = /^(?:www-authenticate|authorization)$/i.test(rawHeaders[index] ?? '');
    const value = rawHeaders[index + 1] ?? '';
    if (isAuth && /(?:^|[,\s])(?:ntlm|negotiate)(?:[,\s]|$)/i.test(value)) return true;
  }
  return false;
}

/** Whether a message's body is chunked. */
export function isChunked(message: ClientHead): boolean {
  return message.headers['transfer-encoding'] !== undefined;
}

/**
 * Whether the body has a transfer coding other than chunked. That coding would be lost, because the
 * proxy decodes and re-encodes only chunked (RFC 9112 6.1).
 */
export function hasForeignCoding({ headers }: ClientHead): boolean {
  const coding = headers['transfer-encoding'];
  return coding !== undefined && coding.trim().toLowerCase() !== 'chunked';
}

/** The fields that are neither hop-by-hop nor connection options. */
function endToEndFields(rawHeaders: readonly string[]): string[] {
  const options = connectionOptions(rawHeaders);
  return filterFields(rawHeaders, (name) => !HOP_BY_HOP.has(name) && !options.has(name));
}

/** The fields with this lower-case name. */
function fieldsNamed(rawHeaders: readonly string[], wanted: string): string[] {
  return filterFields(rawHeaders, (name) => name === wanted);
}

/** The values of the fields with this lower-case name. */
export function fieldValues(
  { rawHeaders }: Pick<ClientHead, 'rawHeaders'>,
  name: string,
): string[] {
  return fieldsNamed(rawHeaders, name).filter((_, index) => index % 2 === 1);
}

/** The connection options in lower case, without those that are forbidden. */
function connectionOptions(rawHeaders: readonly string[]): ReadonlySet<string> {
  const fields = fieldsNamed(rawHeaders, 'connection');
  if (fields.length === 0) return NO_OPTIONS;
  // The most frequent option. The field of this name is hop-by-hop anyway.
  if (fields.length === 2 && fields[1]?.toLowerCase() === 'keep-alive') return NO_OPTIONS;
  const options = new Set<string>();
  for (let index = 1; index < fields.length; index += 2) {
    const named = (fields[index] ?? '').toLowerCase().split(',');
    for (const option of named) options.add(option.trim());
  }
  for (const name of NEVER_AN_OPTION) options.delete(name);
  return options;
}

/**
 * Returns the fields for which `isKept` returns true. Both lists alternate names and values.
 *
 * @param isKept gets the lower-case name and the value
 */
function filterFields(
  fields: readonly string[],
  isKept: (name: string, value: string) => boolean,
): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] ?? '';
    const value = fields[index + 1] ?? '';
    if (isKept(name.toLowerCase(), value)) kept.push(name, value);
  }
  return kept;
}
