/** The head of a response from the target, parsed strictly (RFC 9112 4 to 6). */
import { isFieldValue, isToken } from '../../lib/text/http-syntax.js';
import { MAX_HEADER_SIZE } from './limits.js';

/**
 * How a body ends (RFC 9112 6.3): after a number of bytes, after the last chunk, or when the
 * connection closes.
 */
export type Framing = number | 'chunked' | 'until-close';

export interface ResponseHead {
  readonly status: number;
  /** The reason phrase as received, which may contain bytes that HTTP does not allow. */
  readonly reason: string;
  /** Alternating field names and values, as latin1 strings. */
  readonly rawHeaders: readonly string[];
  /** Values by lower-case name; several values of one name are joined with `, `. */
  readonly headers: ReadonlyMap<string, string>;
  /** The framing that the fields announce. A response to HEAD, 1xx, 204 and 304 has no body. */
  readonly framing: Framing;
  /** Whether the target keeps the connection open after the response (RFC 9112 9.3). */
  readonly keepsAlive: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([^\r\n]*))?$/;

/**
 * Parses a head without its final CRLF CRLF.
 *
 * @returns undefined if it is not HTTP/1.0 or HTTP/1.1, or if its framing is ambiguous
 */
export function parseResponseHead(text: string): ResponseHead | undefined {
  const end = endOfLine(text, 0);
  const [, minor, status, reason = ''] = STATUS_LINE.exec(text.slice(0, end)) ?? [];
  if (status === undefined) return undefined;
  const rawHeaders: string[] = [];
  const headers = new Map<string, string>();
  if (!parseFields(text, end + 2, rawHeaders, headers)) return undefined;
  const framing = framingOf(headers);
  if (framing === undefined || sizeOf(rawHeaders) > MAX_HEADER_SIZE) return undefined;
  const code = Number(status);
  // RFC 9112 6.1: HTTP/1.0 does not define chunks, so the connection must be closed after a chunked
  // response.
  const keepsAlive = minor === '1' && hasClearEnd(code, framing) && !asksForClose(headers);
  return { status: code, reason, rawHeaders, headers, framing, keepsAlive };
}

/**
 * Whether the target agrees about where the response ends. Contrary to RFC 9112 6.3, some servers
 * send a body or a last chunk after a 204 or 304 that announces one.
 */
function hasClearEnd(status: number, framing: Framing): boolean {
  if (status === 204) return framing === 'until-close' || framing === 0;
  return status === 304 ? framing !== 'chunked' : framing !== 'until-close';
}

/** The number of bytes in names and values, which is how Node measures a request's head. */
function sizeOf(rawHeaders: readonly string[]): number {
  return rawHeaders.reduce((sum, { length }) => sum + length, 0);
}

/**
 * Parses the fields of a trailer section (RFC 9112 7.1.2).
 *
 * @returns undefined if a line is not a field
 */
export function parseTrailers(text: string): string[] | undefined {
  const rawTrailers: string[] = [];
  if (text === '') return rawTrailers;
  return parseFields(text, 0, rawTrailers, undefined) ? rawTrailers : undefined;
}

/** Returns the position of the next CRLF, or of the end of the text. */
function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\r\n', start);
  return end < 0 ? text.length : end;
}

/** The usual form of a field line, which one pattern reads faster than parseField() does. */
const FIELD_LINE =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)(?=\r\n|$)/y;

/**
 * Adds the fields of the lines from `start` on. The last line ends without CRLF.
 *
 * @returns false if a line is not a field
 */
function parseFields(
  text: string,
  start: number,
  raw: string[],
  headers: Map<string, string> | undefined,
): boolean {
  let at = start;
  while (at <= text.length) {
    FIELD_LINE.lastIndex = at;
    const [line, name, value] = FIELD_LINE.exec(text) ?? [];
    let end = at;
    if (line !== undefined && name !== undefined && value !== undefined) {
      addField(name, value, raw, headers);
      end += line.length;
    } else {
      end = endOfLine(text, at);
      if (!parseField(text.slice(at, end), raw, headers)) return false;
    }
    at = end + 2;
  }
  return true;
}

/** Adds one field. RFC 9112 5.1 and 5.2: no space before the colon, and no folded lines. */
function parseField(
  line: string,
  raw: string[],
  headers: Map<string, string> | undefined,
): boolean {
  const colon = line.indexOf(':');
  const name = line.slice(0, colon);
  if (colon < 1 || !isToken(name)) return false;
  const value = trimBlanks(line.slice(colon + 1));
  if (!isFieldValue(value)) return false;
  addField(name, value, raw, headers);
  return true;
}

function addField(
  name: string,
  value: string,
  raw: string[],
  headers: Map<string, string> | undefined,
): void {
  raw.push(name, value);
  if (headers === undefined) return;
  const key = name.toLowerCase();
  const before = headers.get(key);
  headers.set(key, before === undefined ? value : `${before}, ${value}`);
}

/**
 * Removes blanks at both ends in linear time. The pattern /[ \t]+$/ would take seconds for a head
 * full of blanks.
 */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

/**
 * RFC 9112 6.3. A length that occurs twice, or together with a transfer coding, is rejected,
 * because two recipients may disagree about where such a response ends. Any coding other than
 * chunked is also rejected. It would be lost, because the proxy decodes and encodes only chunks
 * (RFC 9112 6.1).
 */
function framingOf(headers: ReadonlyMap<string, string>): Framing | undefined {
  const length = headers.get('content-length');
  const coding = headers.get('transfer-encoding');
  if (coding !== undefined) {
    const isChunked = coding.toLowerCase() === 'chunked';
    return isChunked && length === undefined ? 'chunked' : undefined;
  }
  if (length === undefined) return 'until-close';
  return /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

function asksForClose(headers: ReadonlyMap<string, string>): boolean {
  const options = headers.get('connection');
  return options !== undefined && /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(options);
}

/**
 * The time in ms for which the target keeps an idle connection, as its Keep-Alive field announces.
 */
export function keepAliveTimeout({ headers }: ResponseHead): number | undefined {
  const field = headers.get('keep-alive');
  if (field === undefined) return undefined;
  const [, seconds] = /(?:^|[,; \t])timeout[ \t]*=[ \t]*"?(\d{1,6})/i.exec(field) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
