/**
 * Sends the response to a WholeRequest, with the same bytes as Node's ServerResponse. If the
 * response is complete in the turn in which its head arrives, one write sends it.
 */
import type { Socket } from 'node:net';

import { fieldLines, framed, statusLine } from '../raw-head.js';
import type { ClientResponse } from './client-message.js';

/** The maximum number of bytes that wait for the end of the response, to be sent with it. */
const MAX_HELD = 16 * 1024;

const EMPTY = Buffer.alloc(0);
const CONTENT_LENGTH = 'content-length';

export interface WholeResponseOptions {
  /** Whether the request was HEAD, whose response has no body. */
  readonly isHead: boolean;
  /** Milliseconds until an idle connection is closed, for the client; 0 for no limit. */
  readonly keepAliveTimeout: number;
  /** Called once, after the event `finish`. */
  readonly onSent: () => void;
}

export class WholeResponse implements ClientResponse {
  shouldKeepAlive = true;
  sendDate = true;
  readonly useChunkedEncodingByDefault = true;
  readonly #socket: Socket;
  readonly #options: WholeResponseOptions;
  /** Undefined before writeHead(), and empty after it is sent. */
  #head: string | undefined;
  /** The start of the body, until it is sent with the head. */
  #held: Buffer = EMPTY;
  #hasBody = true;
  #isChunked = false;
  #isEnded = false;
  #trailers: readonly [string, string][] = [];
  #awaitsDrain = false;
  #onFinish: (() => void) | undefined;
  #onDrain: (() => void) | undefined;

  constructor(socket: Socket, options: WholeResponseOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  get headersSent(): boolean {
    return this.#head !== undefined;
  }

  get writableEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * Prepares the head; it is sent with the first part of the body.
   *
   * @param fields alternating names and values, from parseResponseHead() or built by arctun. Of the
   * framing, they contain Content-Length only.
   */
  writeHead(status: number, reason: string, fields: readonly string[]): void {
    this.#hasBody = !this.#options.isHead && status !== 204 && status !== 304;
    this.#isChunked = this.#hasBody && !announceLength(fields);
    const date = this.sendDate ? `Date: ${new Date().toUTCString()}\r\n` : '';
    const framing = this.#isChunked ? 'Transfer-Encoding: chunked\r\n' : '';
    this.#head = `${statusLine(status, reason)}${fieldLines(fields)}${date}${this.#persistence()}${framing}\r\n`;
  }

  #persistence(): string {
    if (!this.shouldKeepAlive) return 'Connection: close\r\n';
    const { keepAliveTimeout } = this.#options;
    const seconds = Math.floor(keepAliveTimeout / 1000);
    const limit = keepAliveTimeout > 0 ? `Keep-Alive: timeout=${seconds}\r\n` : '';
    return `Connection: keep-alive\r\n${limit}`;
  }

  /**
   * Sends a part of the body; an empty part sends only the head.
   *
   * @returns false if the caller should wait for the event `drain`
   */
  write(part: Buffer | string): boolean {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    if (bytes.length === 0 || !this.#hasBody) return this.#flush();
    if (this.#isHeadWaiting && this.#held.length === 0 && bytes.length <= MAX_HELD) {
      this.#held = bytes;
      process.nextTick(() => this.#flush());
      return true;
    }
    this.#flush();
    return this.#send('', bytes);
  }

  /** Adds the trailers, which are sent only if the response is chunked. */
  addTrailers(trailers: readonly [string, string][]): void {
    this.#trailers = trailers;
  }

  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const head = this.#takeHead();
    const held = this.#takeHeld();
    const lastChunk = this.#isChunked ? `0\r\n${fieldLines(this.#trailers.flat())}\r\n` : '';
    this.#send(head, held, lastChunk, (error) => {
      if (!error) this.#finish();
    });
  }

  /** @param event each event has one listener */
  once(event: 'finish' | 'drain', listener: () => void): void {
    if (event === 'finish') this.#onFinish = listener;
    else this.#onDrain = listener;
  }

  /** Without use here, because a WholeRequest does not wait for a 100 response. */
  writeContinue(): void {}

  /** Without use here, because a WholeRequest does not ask for another protocol. */
  detachSocket(): void {}

  get #isHeadWaiting(): boolean {
    return this.#head !== undefined && this.#head !== '';
  }

  #takeHead(): string {
    const head = this.#head ?? '';
    this.#head = '';
    return head;
  }

  #takeHeld(): Buffer {
    const held = this.#held;
    this.#held = EMPTY;
    return held;
  }

  /** Sends the head and the held part of the body, unless they are sent. */
  #flush(): boolean {
    return !this.#isHeadWaiting || this.#send(this.#takeHead(), this.#takeHeld());
  }

  /** Sends a part of the body between the head and the last chunk, which may be empty. */
  #send(
    head: string,
    body: Buffer,
    lastChunk = '',
    onWritten?: (error?: Error | null) => void,
  ): boolean {
    const socket = this.#socket;
    const isChunk = this.#isChunked && body.length > 0;
    const before = isChunk ? `${head}${body.length.toString(16)}\r\n` : head;
    const after = isChunk ? `\r\n${lastChunk}` : lastChunk;
    // Further parts in this turn leave with this one.
    if (onWritten === undefined && socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    const hasRoom = socket.write(framed(before, body, after), onWritten);
    if (!hasRoom && !this.#awaitsDrain && !this.#isEnded) {
      this.#awaitsDrain = true;
      socket.once('drain', () => this.#drained());
    }
    return hasRoom;
  }

  #drained(): void {
    this.#awaitsDrain = false;
    const onDrain = this.#onDrain;
    this.#onDrain = undefined;
    onDrain?.();
  }

  #finish(): void {
    if (!this.shouldKeepAlive) this.#socket.destroySoon();
    this.#onFinish?.();
    this.#options.onSent();
  }
}

/** Whether fields, given as alternating names and values, contain Content-Length. */
function announceLength(fields: readonly string[]): boolean {
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    if (name.length === CONTENT_LENGTH.length && name.toLowerCase() === CONTENT_LENGTH) return true;
  }
  return false;
}
