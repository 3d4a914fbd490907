/**
 * The header fields of a forwarded message (RFC 9110 7.6): all of them in their order, spelling and
 * number, less those that belong to one connection.
 *
 * No Via is added, although RFC 9110 7.6.3 asks for it, and no X-Forwarded-For: the proxies are a part
 * of the device that sends, no loop leads out of the tunnel and back to a port of this machine, and
 * each byte is metered.
 */
import { type IncomingMessage, validateHeaderName, validateHeaderValue } from 'node:http';

import type { DialTarget } from '../dialer.js';

export type HeaderField = readonly [name: string, value: string];

/**
 * RFC 9110 7.6.1; the three fields of Proxy-Auth… end at a proxy (11.7), and no other Proxy-… field does.
 * RFC 9113 3.1 has made HTTP2-Settings obsolete, which was for one connection.
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
 * RFC 9110 7.6.1: a connection option must not name a field that is meant for all recipients. To
 * drop these on a client's word would change where the message ends, or whom it is for.
 */
const NEVER_AN_OPTION: ReadonlySet<string> = new Set(['content-length', 'host']);

/** Whether a field, by its name in any case, belongs to one connection alone. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name.toLowerCase());
}

/** Fields that frame a message, route it, or speak for its sender: never trailers (RFC 9110 6.5.1). */
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
  /** Whether the client waits to be told to send its body (RFC 9110 10.1.1). */
  readonly expectsContinue: boolean;
  /** Whether the client asks for another protocol on this connection (RFC 9110 7.8). */
  readonly upgrades: boolean;
}

/**
 * The fields of the request to the target. Host names the target, unless an added field says
 * otherwise: a proxy has it from the request target (RFC 9112 3.2.2).
 */
export function requestFields(
  request: IncomingMessage,
  target: DialTarget,
  { added, expectsContinue, upgrades }: RequestOptions,
): string[] {
  const replaced = new Set(['host', 'expect', ...added.map(([name]) => name.toLowerCase())]);
  const fields: string[] = [];
  // RFC 9110 7.2: Host should be the first field.
  if (!added.some(([name]) => name.toLowerCase() === 'host')) fields.push('Host', hostOf(target));
  for (const [name, value] of endToEndFields(request.rawHeaders)) {
    if (!replaced.has(name.toLowerCase())) fields.push(name, forwarded(request, name, value));
  }
  fields.push(...added.flat());
  // Whom it concerns is at the other end: a 1xx answer comes back through here.
  if (expectsContinue) fields.push('Expect', '100-continue');
  if (isChunked(request)) {
    fields.push(...fieldsNamed(request.rawHeaders, 'trailer'), 'Transfer-Encoding', 'chunked');
  }
  if (upgrades) {
    fields.push('Upgrade', wantedProtocols(request).join(', '), 'Connection', 'Upgrade');
  } else if (takesTrailers(request)) {
    // RFC 9110 10.1.4: TE belongs to each connection; a client that takes trailers will have them.
    fields.push('TE', 'trailers', 'Connection', 'close, TE');
  } else {
    // One connection per exchange: see exchange.ts.
    fields.push('Connection', 'close');
  }
  return fields;
}

/**
 * The protocols that a client offers to switch to, less h2c: RFC 9113 3.1 has made that obsolete, and
 * RFC 9110 7.8 wants each hop to decide for itself.
 */
export function wantedProtocols({ headers }: IncomingMessage): string[] {
  const protocols = (headers.upgrade ?? '').split(',').map((protocol) => protocol.trim());
  return protocols.filter((protocol) => protocol !== '' && protocol.toLowerCase() !== 'h2c');
}

/** RFC 9110 7.6.2: Max-Forwards counts the hops of TRACE and OPTIONS down. */
function forwarded({ method }: IncomingMessage, name: string, value: string): string {
  if (name.toLowerCase() !== 'max-forwards' || !countsHops(method)) return value;
  return /^\d{1,9}$/.test(value) ? String(Math.max(0, Number(value) - 1)) : value;
}

/** Whether this is as far as the request may go (RFC 9110 7.6.2). */
export function isLastHop({ method, headers }: IncomingMessage): boolean {
  return countsHops(method) && /^0+$/.test(String(headers['max-forwards'] ?? ''));
}

function countsHops(method: string | undefined): boolean {
  return method === 'TRACE' || method === 'OPTIONS';
}

function takesTrailers({ headers, httpVersionMinor }: IncomingMessage): boolean {
  const options = String(headers.te ?? '')
    .toLowerCase()
    .split(',');
  return httpVersionMinor >= 1 && options.some((option) => option.trim() === 'trailers');
}

/**
 * The fields of the answer to the client, names and values in turn; Node adds the framing.
 *
 * @param isChunked whether it goes to the client in chunks, and may so have trailers
 */
export function answerFields(answer: IncomingMessage, isChunked: boolean): string[] {
  // RFC 9110 8.6: nor may a 204 have a length.
  const hasNoLength = answer.statusCode === 204;
  const fields = hasNoLength
    ? interimFields(answer.rawHeaders)
    : [...endToEndFields(answer.rawHeaders)].flat();
  if (isChunked) fields.push(...fieldsNamed(answer.rawHeaders, 'trailer'));
  return fields;
}

/**
 * The fields of an interim answer (1xx) to the client. RFC 9110 8.6: it must not have a length; a client that heeds
 * one would take the final answer for a body (RFC 9112 6.3).
 */
export function interimFields(rawHeaders: readonly string[]): string[] {
  const fields = [...endToEndFields(rawHeaders)];
  return fields.filter(([name]) => name.toLowerCase() !== 'content-length').flat();
}

/** The fields of the answer that switches protocols (RFC 9110 15.2.2). */
export function switchFields({ rawHeaders }: IncomingMessage): string[] {
  const upgrade = fieldsNamed(rawHeaders, 'upgrade');
  return [...interimFields(rawHeaders), ...upgrade, 'Connection', 'Upgrade'];
}

/** The trailer fields of a message that came to its end, less what may not be one. */
export function trailerFields({ rawTrailers }: IncomingMessage): [string, string][] {
  return [...pairs(rawTrailers)]
    .filter(([name]) => !isHopByHop(name) && !NEVER_A_TRAILER.has(name.toLowerCase()))
    .filter((field) => areWritable('', field))
    .map(([name, value]) => [name, value]);
}

/** Whether Node would write a request target and fields as they are, instead of throwing. */
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

/** Whether the body of a message comes in chunks. */
export function isChunked(message: IncomingMessage): boolean {
  return message.headers['transfer-encoding'] !== undefined;
}

/** Whether a request has a body, if only an empty one (RFC 9112 6.3). */
export function hasBody(request: IncomingMessage): boolean {
  return isChunked(request) || request.headers['content-length'] !== undefined;
}

/**
 * Whether the body is in a transfer coding besides chunked. It would be lost, as only chunked is
 * taken off and put on again (RFC 9112 6.1).
 */
export function hasForeignCoding({ headers }: IncomingMessage): boolean {
  const coding = headers['transfer-encoding'];
  return coding !== undefined && coding.trim().toLowerCase() !== 'chunked';
}

function* endToEndFields(rawHeaders: readonly string[]): Generator<HeaderField> {
  const options = connectionOptions(rawHeaders);
  for (const [name, value] of pairs(rawHeaders)) {
    if (!isHopByHop(name) && !options.has(name.toLowerCase())) yield [name, value];
  }
}

/** The fields of one name, in lower case, names and values in turn. */
function fieldsNamed(rawHeaders: readonly string[], name: string): string[] {
  return [...pairs(rawHeaders)].filter((field) => field[0].toLowerCase() === name).flat();
}

function connectionOptions(rawHeaders: readonly string[]): Set<string> {
  const options = new Set<string>();
  for (const [name, value] of pairs(rawHeaders)) {
    if (name.toLowerCase() !== 'connection') continue;
    for (const option of value.toLowerCase().split(',')) options.add(option.trim());
  }
  for (const name of NEVER_AN_OPTION) options.delete(name);
  return options;
}

function* pairs(rawHeaders: readonly string[]): Generator<HeaderField> {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    yield [rawHeaders[index] ?? '', rawHeaders[index + 1] ?? ''];
  }
}

/** RFC 9110 4.2.3: the default port is left out. */
function hostOf({ host, port }: DialTarget): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === 80 ? name : `${name}:${port}`;
}
