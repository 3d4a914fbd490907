/**
 * The header fields of a forwarded message (RFC 9110 7.6): all of them in their order, spelling and
 * number, less those that belong to one connection.
 *
 * No Via is added, although RFC 9110 7.6.3 asks a gateway for it, and no X-Forwarded-For: the
 * forwarder is a part of the device that sends, loops are impossible behind a fixed target, and
 * each byte is metered. Trailer sections are dropped, as RFC 9110 6.5.1 allows.
 */
import { type IncomingMessage, validateHeaderName, validateHeaderValue } from 'node:http';

import type { DialTarget } from '../dialer.js';

export type HeaderField = readonly [name: string, value: string];

/** RFC 9110 7.6.1; Proxy-Authenticate and Proxy-Authorization end at a proxy (11.7). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
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

/**
 * The fields of the request to the target. Host names the target, as the platform knows it by its
 * address, unless an added field says otherwise. Expect is answered here (RFC 9110 10.1.1).
 *
 * @param added fields that replace those of the client with the same name
 */
export function requestFields(
  request: IncomingMessage,
  target: DialTarget,
  added: readonly HeaderField[],
): string[] {
  const replaced = new Set(['host', 'expect', ...added.map(([name]) => name.toLowerCase())]);
  const fields: string[] = [];
  // RFC 9110 7.2: Host should be the first field.
  if (!added.some(([name]) => name.toLowerCase() === 'host')) fields.push('Host', hostOf(target));
  for (const [name, value] of endToEndFields(request.rawHeaders)) {
    if (!replaced.has(name.toLowerCase())) fields.push(name, value);
  }
  fields.push(...added.flat());
  if (isChunked(request)) fields.push('Transfer-Encoding', 'chunked');
  // One connection per exchange: see exchange.ts.
  fields.push('Connection', 'close');
  return fields;
}

/** The fields of the answer to the client, names and values in turn; Node adds the framing. */
export function answerFields(answer: IncomingMessage): string[] {
  return [...endToEndFields(answer.rawHeaders)].flat();
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

function isChunked(message: IncomingMessage): boolean {
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
