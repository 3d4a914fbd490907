/**
 * Reads the requests of one client connection. The first request that needs Node's HTTP server takes
 * the connection to Node.
 */
import type { Socket } from 'node:net';

import { HEADERS_TIMEOUT } from '../limits.js';
import type { ClientMessage } from './client-message.js';
import { lineEndLength, type WholeRequest, WholeRequestParser } from './whole-request.js';
import { WholeResponse } from './whole-response.js';

/**
 * How long, in ms, the rest of a request may take to arrive. Many clients write the head and the
 * body one after the other.
 */
const REST_TIMEOUT = 5;

/**
 * The maximum number of bytes to buffer while a response is pending. Beyond it, the socket pauses.
 */
const MAX_AHEAD = 16 * 1024;

/**
 * How much longer, in ms, than announced an idle connection stays open, as in Node. A request that
 * the client sends just in time is then not lost.
 */
const KEEP_ALIVE_MARGIN = 1_000;

export interface RequestReaderOptions {
  /**
   * The idle timeout, in milliseconds, that responses announce; 0 means that only the client closes
   * the connection.
   */
  readonly keepAliveTimeout: number;
  /** Whether Node must handle a request. */
  readonly isForNode: (request: WholeRequest) => boolean;
  readonly onRequest: (message: ClientMessage) => void;
  /** Gives the connection to Node. The reader has put back the bytes that it has not used. */
  readonly onNode: () => void;
  /** No request has arrived within HEADERS_TIMEOUT. */
  readonly onSilence: () => void;
}

export class RequestReader {
  readonly #socket: Socket;
  readonly #options: RequestReaderOptions;
  readonly #parser: WholeRequestParser;
  /** The bytes of the next request that have arrived. */
  #part: Buffer | undefined;
  #restTimer: NodeJS.Timeout | undefined;
  #lastChance: NodeJS.Immediate | undefined;
  #hasRead = false;
  #isAnswering = false;
  #isReleased = false;
  readonly #onData = (bytes: Buffer): void => this.#take(bytes);
  readonly #onEnd = (): void => this.#end();
  readonly #onTimeout = (): void => this.#timeOut();
  readonly #onSent = (): void => this.#sent();

  constructor(socket: Socket, options: RequestReaderOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#parser = new WholeRequestParser(socket);
    socket.setTimeout(HEADERS_TIMEOUT);
    socket.on('timeout', this.#onTimeout);
    // The listener handles 'close', which follows every error. This listener stays when Node has
    // the connection, because Node removes its own one for an upgrade.
    socket.on('error', ignore);
    socket.once('close', () => this.#takePart());
    socket.on('end', this.#onEnd);
    socket.on('data', this.#onData);
  }

  /** Whether the reader waits for the first byte of a request. */
  get isIdle(): boolean {
    return !this.#isReleased && !this.#isAnswering && this.#part === undefined;
  }

  #take(bytes: Buffer): void {
    const part = this.#part;
    const all = part === undefined ? bytes : Buffer.concat([part, bytes]);
    if (this.#isAnswering) this.#queue(all);
    else this.#read(all);
  }

  #read(received: Buffer): void {
    // RFC 9112 2.2: some clients send an empty line after a body. Node ignores it, but if it were
    // given the connection now, it would expect the rest of a request soon.
    const bytes = this.#hasRead ? received.subarray(lineEndLength(received, 0)) : received;
    if (bytes.length === 0) return;
    const request = this.#parser.parse(bytes);
    if (request === 'part') this.#hold(bytes);
    else if (request === 'for-node' || this.#options.isForNode(request)) this.#release(bytes);
    else this.#answer(request);
  }

  /**
   * Buffers a pipelined request until the response is sent. Node answers some requests immediately,
   * and that answer would overtake the response.
   */
  #queue(bytes: Buffer): void {
    this.#part = bytes;
    if (bytes.length > MAX_AHEAD) this.#socket.pause();
  }

  #sent(): void {
    this.#isAnswering = false;
    const next = this.#takePart();
    if (!this.#socket.writable) {
      this.#detach();
      return;
    }
    if (next === undefined) return;
    this.#socket.resume();
    this.#read(next);
  }

  #hold(part: Buffer): void {
    this.#part = part;
    this.#restTimer ??= setTimeout(() => {
      // After a long turn of the event loop, timers run before the sockets are read.
      this.#lastChance = setImmediate(() => this.#releasePart());
    }, REST_TIMEOUT);
  }

  #releasePart(): void {
    const part = this.#takePart();
    if (part !== undefined) this.#release(part);
  }

  #takePart(): Buffer | undefined {
    const part = this.#part;
    this.#part = undefined;
    if (this.#restTimer !== undefined) {
      clearTimeout(this.#restTimer);
      clearImmediate(this.#lastChance);
      this.#restTimer = undefined;
    }
    return part;
  }

  #answer(request: WholeRequest): void {
    const { keepAliveTimeout, onRequest } = this.#options;
    const timeout = keepAliveTimeout === 0 ? 0 : keepAliveTimeout + KEEP_ALIVE_MARGIN;
    if (!this.#hasRead) this.#socket.setTimeout(timeout);
    this.#hasRead = true;
    this.#takePart();
    this.#isAnswering = true;
    const isHead = request.method === 'HEAD';
    const options = { isHead, keepAliveTimeout, onSent: this.#onSent };
    const response = new WholeResponse(this.#socket, options);
    onRequest({ request, response, expectsContinue: false, upgrades: false });
  }

  #release(bytes: Buffer): void {
    this.#detach();
    this.#socket.unshift(bytes);
    this.#options.onNode();
  }

  #timeOut(): void {
    // Exchanges have their own timeouts.
    if (this.#isAnswering) return;
    this.#detach();
    if (this.#hasRead) this.#socket.destroy();
    else this.#options.onSilence();
  }

  #end(): void {
    this.#takePart();
    this.#socket.end();
  }

  #detach(): void {
    const socket = this.#socket;
    this.#isReleased = true;
    this.#takePart();
    this.#parser.forget();
    socket.setTimeout(0);
    socket.off('timeout', this.#onTimeout).off('end', this.#onEnd).off('data', this.#onData);
  }
}

function ignore(): void {}
