/**
 * Splits the bytes of a connection into the target's interim responses, its response and the body
 * (RFC 9112). Framing that recipients could interpret differently is treated as malformed.
 */
import { MAX_HEADER_SIZE } from './limits.js';
import { parseResponseHead, parseTrailers, type ResponseHead } from './response-head.js';

export interface ResponseHandler {
  /** An interim response (1xx), except a 101 that the request asked for. */
  interim(head: ResponseHead): void;
  head(head: ResponseHead): void;
  /** A part of the body. The handler may keep the bytes. */
  body(bytes: Buffer): void;
  /** The end of the response. @param rawTrailers alternating names and values */
  end(rawTrailers: readonly string[]): void;
}

/**
 * - `complete`: the response has ended
 * - `switched`: a 101 has ended HTTP on this connection
 * - `malformed`: the bytes are not HTTP/1.1
 */
export type ParserState =
  | 'head'
  | 'body'
  | 'chunk-size'
  | 'chunk'
  | 'chunk-end'
  | 'trailers'
  | 'complete'
  | 'switched'
  | 'malformed';

/** The maximum size in bytes of a head with its punctuation, which MAX_HEADER_SIZE excludes. */
const MAX_HEAD = 2 * MAX_HEADER_SIZE;

/** The maximum length in bytes of a chunk-size line with its extensions. */
const MAX_CHUNK_LINE = 4_096;

const EMPTY = Buffer.alloc(0);
const CRLF = '\r\n';
const HEAD_END = '\r\n\r\n';

/** The number of bytes at the start of a response that are searched for its head as one string. */
const SHORT_HEAD = 1_024;

const CR = 0x0d;
const LF = 0x0a;

/** The start of every supported status line. */
const PREFIX = 'HTTP/1.';

export class ResponseParser {
  #handler: ResponseHandler | undefined;
  #state: ParserState = 'complete';
  #isHead = false;
  #upgrades = false;
  /**
   * The number of bytes left in the body or in the chunk; Infinity if the body ends when the
   * connection closes.
   */
  #left = 0;
  #input: Buffer = EMPTY;
  /** The latest short head, because a target often repeats it, until the time in its Date changes. */
  #latestText = '';
  #latestHead: ResponseHead | undefined;
  #at = 0;

  get state(): ParserState {
    return this.#state;
  }

  /** The bytes that have arrived but are not parsed yet. */
  get rest(): Buffer {
    return this.#input.subarray(this.#at);
  }

  /** The length of `rest`, without making a view of it. */
  get restLength(): number {
    return this.#input.length - this.#at;
  }

  /**
   * Expects the response to a request.
   *
   * @param isHead whether the request was HEAD, whose response has no body
   * @param upgrades whether the request allowed a 101
   */
  begin(
    handler: ResponseHandler,
    { isHead, upgrades }: { isHead: boolean; upgrades: boolean },
  ): void {
    this.#handler = handler;
    this.#state = 'head';
    this.#isHead = isHead;
    this.#upgrades = upgrades;
    this.#input = EMPTY;
    this.#at = 0;
  }

  /**
   * Parses received bytes. In the states `complete`, `switched` and `malformed`, they stay in
   * `rest`.
   */
  write(bytes: Buffer): void {
    this.#input = this.restLength === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    this.#at = 0;
    while (this.#step());
  }

  /** Drops the rest of the response. */
  stop(): void {
    this.#handler = undefined;
    this.#state = 'malformed';
  }

  /** Handles the end of the connection, which completes a body without a length. */
  endOfInput(): void {
    if (this.#state === 'body' && this.#left === Infinity) this.#complete([]);
  }

  /** Returns false if the parser needs more bytes, or has finished. */
  #step(): boolean {
    switch (this.#state) {
      case 'head':
        return this.#takeHead();
      case 'body':
      case 'chunk':
        return this.#takeBody();
      case 'chunk-size':
        return this.#takeChunkSize();
      case 'chunk-end':
        return this.#takeChunkEnd();
      case 'trailers':
        return this.#takeTrailers();
      case 'complete':
      case 'switched':
      case 'malformed':
        return false;
    }
  }

  #takeHead(): boolean {
    const text = this.#takeShortHead() ?? this.#takeLongHead();
    if (text === undefined) return false;
    const head = this.#headOf(text);
    if (head === undefined) return this.#reject();
    if (head.status === 101 && this.#upgrades) {
      this.#state = 'switched';
      this.#handler?.head(head);
      return false;
    }
    // An unexpected 101 ends HTTP on this connection, too.
    if (head.status === 101) return this.#reject();
    if (head.status < 200) {
      this.#handler?.interim(head);
      return true;
    }
    this.#expectBody(head);
    this.#handler?.head(head);
    if (this.#state === 'body' && this.#left === 0) this.#complete([]);
    return true;
  }

  #headOf(text: string): ResponseHead | undefined {
    if (text.length > SHORT_HEAD) return parseResponseHead(text);
    if (text !== this.#latestText) {
      this.#latestHead = parseResponseHead(text);
      this.#latestText = text;
    }
    return this.#latestHead;
  }

  /** Consumes a head that has arrived within the first SHORT_HEAD bytes. */
  #takeShortHead(): string | undefined {
    const start = this.#next(SHORT_HEAD);
    const end = start.indexOf(HEAD_END);
    if (end < 0) return undefined;
    this.#at += end + HEAD_END.length;
    return start.slice(0, end);
  }

  #takeLongHead(): string | undefined {
    if (PREFIX.startsWith(this.#next(PREFIX.length)) && !this.#hasBareLineFeed())
      return this.#takeThrough(HEAD_END, MAX_HEAD);
    this.#reject();
    return undefined;
  }

  /**
   * Whether the status line ends without CR. The head from such a server might not contain CRLF
   * CRLF.
   */
  #hasBareLineFeed(): boolean {
    const position = this.#input.indexOf(LF, this.#at);
    return position >= 0 && (position === this.#at || this.#input[position - 1] !== CR);
  }

  #expectBody({ status, framing }: ResponseHead): void {
    this.#state = 'body';
    if (this.#isHead || status === 204 || status === 304) this.#left = 0;
    else if (framing === 'chunked') this.#state = 'chunk-size';
    else this.#left = framing === 'until-close' ? Infinity : framing;
  }

  #takeBody(): boolean {
    const bytes = this.#input.subarray(this.#at, this.#at + this.#left);
    if (bytes.length === 0) return false;
    this.#at += bytes.length;
    this.#left -= bytes.length;
    this.#handler?.body(bytes);
    if (this.#left > 0) return false;
    if (this.#state === 'body') this.#complete([]);
    else if (this.#state === 'chunk') this.#state = 'chunk-end';
    return true;
  }

  #takeChunkSize(): boolean {
    const line = this.#takeThrough(CRLF, MAX_CHUNK_LINE);
    if (line === undefined) return false;
    const [, size] = /^([0-9a-fA-F]{1,12})(?:;[\x21-\x7e]*)?$/.exec(line) ?? [];
    if (size === undefined) return this.#reject();
    this.#left = parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return true;
  }

  #takeChunkEnd(): boolean {
    if (this.restLength < CRLF.length) return false;
    if (this.#next(CRLF.length) !== CRLF) return this.#reject();
    this.#at += CRLF.length;
    this.#state = 'chunk-size';
    return true;
  }

  #takeTrailers(): boolean {
    const hasNone = this.#next(CRLF.length) === CRLF;
    const text = hasNone
      ? this.#takeThrough(CRLF, CRLF.length)
      : this.#takeThrough(HEAD_END, MAX_HEAD);
    if (text === undefined) return false;
    const trailers = parseTrailers(text);
    if (trailers === undefined) return this.#reject();
    this.#complete(trailers);
    return true;
  }

  /** Returns the next bytes without consuming them; fewer than `count` if no more have arrived. */
  #next(count: number): string {
    return this.#input.toString('latin1', this.#at, this.#at + count);
  }

  /**
   * Consumes the input up to and including `end`, and returns the part before `end`. Rejects the
   * input if the first `limit` bytes do not contain `end`.
   */
  #takeThrough(end: string, limit: number): string | undefined {
    const position = this.#input.indexOf(end, this.#at, 'latin1');
    const length = (position < 0 ? this.#input.length : position) - this.#at;
    if (length > limit) {
      this.#reject();
      return undefined;
    }
    if (position < 0) return undefined;
    const text = this.#input.toString('latin1', this.#at, position);
    this.#at = position + end.length;
    return text;
  }

  #complete(rawTrailers: readonly string[]): void {
    this.#state = 'complete';
    this.#handler?.end(rawTrailers);
  }

  #reject(): false {
    this.#state = 'malformed';
    return false;
  }
}
