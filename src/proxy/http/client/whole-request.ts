/**
 * Parses the most frequent kind of request, a short one that has arrived with its whole body,
 * without Node's HTTP server and its streams. The parser accepts only a part of what RFC 9112
 * allows, and only what Node's parser reads in the same way. Node handles every other request, so
 * it decides what is malformed.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

import type { ClientRequest } from './client-message.js';

/** The maximum size in bytes of such a request's head, and of its body. */
const MAX_HEAD = 8 * 1024;
export const MAX_WHOLE_BODY = 16 * 1024;

/** The usual methods. Node reads the rare ones. */
const METHOD = '(GET|HEAD|POST|PUT|PATCH|DELETE)';

const REQUEST_START = new RegExp(`^${METHOD} `);
const LONGEST_START = 'DELETE '.length;

/** The characters of RFC 3986's path and query. */
const PATH = "/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*";

/** The origin-form, or the absolute-form that clients send to a proxy (RFC 9112 3.2). */
const TARGET = `((?:http://[A-Za-z0-9.-]+(?::[0-9]{1,5})?)?${PATH})`;

const REQUEST_LINE = new RegExp(`${METHOD} ${TARGET} HTTP/1\\.1\\r\\n`, 'y');

/** A field line without obs-text or a tab. The value may be empty (RFC 9112 5). */
const FIELD_LINE =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?|)\r\n/y;

/**
 * Fields that change how the connection or the body must be handled, and Set-Cookie, whose values
 * Node does not join.
 */
const LEFT_TO_NODE: ReadonlySet<string> = new Set([
  'expect',
  'http2-settings',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const HEAD_END = Buffer.from('\r\n\r\n', 'latin1');
const NO_TRAILERS: readonly string[] = [];

/** Parses the requests of one connection. */
export class WholeRequestParser {
  readonly #socket: Socket;
  /** The latest head, because a client that sends many messages often repeats it. */
  #text = '';
  #head: WholeHead | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /**
   * Parses the bytes that have arrived since the last request.
   *
   * @returns `part` if they are the start of such a request, and `for-node` if Node must handle them
   */
  parse(bytes: Buffer): WholeRequest | 'part' | 'for-node' {
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) return bytes.length <= MAX_HEAD && isRequestStart(bytes) ? 'part' : 'for-node';
    if (end > MAX_HEAD) return 'for-node';
    const head = this.#headOf(bytes.toString('latin1', 0, end + 2));
    if (head === undefined) return 'for-node';
    const start = end + HEAD_END.length;
    const bodyEnd = start + head.length;
    if (bytes.length < bodyEnd) return 'part';
    // More bytes belong to a further request, except an empty line (RFC 9112 2.2).
    if (bodyEnd + lineEndLength(bytes, bodyEnd) < bytes.length) return 'for-node';
    return new WholeRequest(head, bytes.subarray(start, bodyEnd), this.#socket);
  }

  /** Drops the latest head, which may contain a password. */
  forget(): void {
    this.#text = '';
    this.#head = undefined;
  }

  #headOf(text: string): WholeHead | undefined {
    if (text === this.#text) return this.#head;
    const head = parseHead(text);
    if (head !== undefined) {
      this.#head = head;
      this.#text = text;
    }
    return head;
  }
}

/** The number of CR and LF at a position. */
export function lineEndLength(bytes: Buffer, start: number): number {
  let end = start;
  while (bytes[end] === 0x0d || bytes[end] === 0x0a) end++;
  return end - start;
}

/** Whether bytes without the end of a head can start a request that is read here. */
function isRequestStart(bytes: Buffer): boolean {
  return REQUEST_START.test(bytes.toString('latin1', 0, LONGEST_START));
}

interface WholeHead {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingHttpHeaders;
  /** The length of the body in bytes. */
  readonly length: number;
}

/** @param text the request line and the field lines, with the CRLF of each line */
function parseHead(text: string): WholeHead | undefined {
  REQUEST_LINE.lastIndex = 0;
  const [, method, url] = REQUEST_LINE.exec(text) ?? [];
  if (method === undefined || url === undefined) return undefined;
  const rawHeaders: string[] = [];
  const headers: IncomingHttpHeaders = {};
  FIELD_LINE.lastIndex = REQUEST_LINE.lastIndex;
  while (FIELD_LINE.lastIndex < text.length) {
    const [, rawName, value] = FIELD_LINE.exec(text) ?? [];
    if (rawName === undefined || value === undefined) return undefined;
    const name = rawName.toLowerCase();
    // Node joins repeated fields or drops them, according to their name.
    if (headers[name] !== undefined || LEFT_TO_NODE.has(name)) return undefined;
    headers[name] = value;
    rawHeaders.push(rawName, value);
  }
  if (headers.host === undefined || !keepsAlive(headers)) return undefined;
  const length = bodyLength(headers);
  return length === undefined ? undefined : { method, url, rawHeaders, headers, length };
}

/** Node handles Proxy-Connection, which some clients send to proxies, like Connection. */
function keepsAlive(headers: IncomingHttpHeaders): boolean {
  return isKeepAlive(headers.connection) && isKeepAlive(headers['proxy-connection']);
}

function isKeepAlive(option: string | string[] | undefined): boolean {
  return option === undefined || String(option).toLowerCase() === 'keep-alive';
}

function bodyLength({ 'content-length': digits = '0' }: IncomingHttpHeaders): number | undefined {
  if (!/^\d{1,5}$/.test(digits)) return undefined;
  const length = Number(digits);
  return length <= MAX_WHOLE_BODY ? length : undefined;
}

/** A request whose whole body has arrived. It has no events. */
export class WholeRequest implements ClientRequest {
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly rawTrailers = NO_TRAILERS;
  readonly complete = true;
  readonly socket: Socket;
  #body: Buffer | null;

  constructor({ method, url, rawHeaders, headers }: WholeHead, body: Buffer, socket: Socket) {
    this.method = method;
    this.url = url;
    this.rawHeaders = rawHeaders;
    this.headers = headers;
    this.socket = socket;
    this.#body = body.length === 0 ? null : body;
  }

  get readableLength(): number {
    return this.#body?.length ?? 0;
  }

  /** Returns the body once; null if it is empty. */
  read(): Buffer | null {
    const body = this.#body;
    this.#body = null;
    return body;
  }

  pause(): void {}

  resume(): void {}

  on(): void {}

  once(): void {}
}
