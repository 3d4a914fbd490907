/**
 * Reads the requests of one client connection, until one of them needs Node's HTTP server: then
 * Node gets the connection, with the bytes of that request.
 */
import type { Socket } from 'node:net';

import { HEADERS_TIMEOUT } from '../limits.js';
import type { ClientMessage } from './client-message.js';
import { type WholeRequest, WholeRequestParser } from './whole-request.js';
import { WholeResponse } from './whole-response.js';

/**
 * How long, in ms, the rest of a request may take to arrive. Many clients write the head and the
 * body one after the other.
 */
const REST_TIMEOUT = 5;

/** The number of bytes after a request at which the client has to wait for the response. */
const MAX_AHEAD = 16 * 1024;

export interface RequestReaderOptions {
  /** Milliseconds until an idle connection is closed; 0 means that only the client closes it. */
  readonly keepAliveTimeout: number;
  /** Whether Node must handle a request. */
  readonly isForNode: (request: WholeRequest) => boolean;
  readonly onRequest: (message: ClientMessage) => void;
  /** Hands the connection to Node. The reader has put back the bytes that it has not used. */
  readonly onOther: () => void;
  /** No request has arrived within HEADERS_TIMEOUT. */
  readonly onSilence: () => void;
}

export class RequestReader {
  readonly #socket: Socket;
  readonly #options: RequestReaderOptions;
  readonly #parser: WholeRequestParser;
  /** The bytes of the next request that have arrived. */
  #part: Buffer | undefined;
  #hasRead = false;
  #isAnswering = false;
  #isReleased = false;
  readonly #onData = (bytes: Buffer): void => this.#take(bytes);
  readonly #onEnd = (): void => void this.#socket.end();
  readonly #onTimeout = (): void => this.#timeOut();
  readonly #onSent = (): void => this.#sent();

  constructor(socket: Socket, options: RequestReaderOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#parser = new WholeRequestParser(socket);
    socket.setTimeout(HEADERS_TIMEOUT);
    socket.on('timeout', this.#onTimeout);
    socket.on('error', ignore);
    socket.on('end', this.#onEnd);
    socket.on('data', this.#onData);
  }

  /** Whether the connection waits for a request that the reader would read. */
  get isIdle(): boolean {
    return !this.#isReleased && !this.#isAnswering && this.#part === undefined;
  }

  #take(bytes: Buffer): void {
    const all = this.#part === undefined ? bytes : Buffer.concat([this.#part, bytes]);
    if (this.#isAnswering) this.#queue(all);
    else this.#read(all);
  }

  #read(bytes: Buffer): void {
    const request = this.#parser.parse(bytes);
    if (request === 'part') this.#hold(bytes);
    else if (request === 'other' || this.#options.isForNode(request)) this.#release(bytes);
    else this.#answer(request);
  }

  /**
   * Leaves a pipelined request until the response is sent, because Node answers some requests
   * itself, and its response would come first.
   */
  #queue(bytes: Buffer): void {
    this.#part = bytes;
    if (bytes.length > MAX_AHEAD) this.#socket.pause();
  }

  #sent(): void {
    this.#isAnswering = false;
    const next = this.#part;
    if (next === undefined || !this.#socket.writable) return;
    this.#part = undefined;
    this.#socket.resume();
    this.#read(next);
  }

  #hold(part: Buffer): void {
    const isFirst = this.#part === undefined;
    this.#part = part;
    if (isFirst) setTimeout(() => this.#releasePart(), REST_TIMEOUT);
  }

  #releasePart(): void {
    if (this.#part === undefined || this.#isAnswering || this.#socket.destroyed) return;
    this.#release(this.#part);
  }

  #answer(request: WholeRequest): void {
    const { keepAliveTimeout, onRequest } = this.#options;
    if (!this.#hasRead) this.#socket.setTimeout(keepAliveTimeout);
    this.#hasRead = true;
    this.#part = undefined;
    this.#isAnswering = true;
    const isHead = request.method === 'HEAD';
    const options = { isHead, keepAliveTimeout, onSent: this.#onSent };
    const response = new WholeResponse(this.#socket, options);
    onRequest({ request, response, expectsContinue: false, upgrades: false });
  }

  #release(bytes: Buffer): void {
    this.#detach();
    this.#socket.unshift(bytes);
    this.#options.onOther();
    this.#socket.off('error', ignore);
  }

  #timeOut(): void {
    // Exchanges have timeouts of their own.
    if (this.#isAnswering) return;
    this.#detach();
    if (this.#hasRead) this.#socket.destroy();
    else this.#options.onSilence();
  }

  #detach(): void {
    const socket = this.#socket;
    this.#isReleased = true;
    this.#part = undefined;
    socket.setTimeout(0);
    socket.off('timeout', this.#onTimeout).off('end', this.#onEnd).off('data', this.#onData);
  }
}

/** The listener's 'close' handler takes care of connections that have failed. */
function ignore(): void {}
