/** The target's answers on their way to the client (RFC 9110 7.6): interim ones, then the final one. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { corsFields } from './browser-check.js';
import {
  answerFields,
  areWritable,
  hasForeignCoding,
  interimFields,
  isChunked,
  switchFields,
  trailerFields,
} from './header-fields.js';
import { MAX_INTERIM } from './limits.js';
import { rawHead, reasonPhrase } from './raw-head.js';

/** What Node tells of a 1xx answer. */
export interface InterimResponse {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly rawHeaders: string[];
}

export class ForwardedResponse {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** Whose pages may read the answer. */
  corsOrigin: string | undefined;
  #interimCount = 0;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  /**
   * RFC 9110 15.2: interim answers are passed on, to those that know of them.
   *
   * @param awaitsContinue whether the client waits for a 100
   */
  inform(
    { statusCode, statusMessage, rawHeaders }: InterimResponse,
    awaitsContinue: boolean,
  ): void {
    const fields = interimFields(rawHeaders);
    // They go past Node's queue, so that there have to be few.
    const isTaken = this.#request.httpVersionMinor >= 1 && ++this.#interimCount <= MAX_INTERIM;
    if (statusCode === 100 && awaitsContinue) {
      // Node closes the connection behind the answer of a client that it has not told itself.
      this.#response.writeContinue();
    } else if (isTaken && areWritable('', fields)) {
      const head = rawHead(statusCode, reasonPhrase({ statusMessage }), fields);
      this.#request.socket.write(head, 'latin1');
    }
  }

  /**
   * Passes a 101 on and lets go of the client's connection (RFC 9110 15.2.2).
   *
   * @returns false, with nothing done, where the answer holds what HTTP bars
   */
  switchProtocols(answer: IncomingMessage): boolean {
    const { socket } = this.#request;
    const fields = switchFields(answer);
    if (!isHttp1(answer) || !areWritable('', fields)) return false;
    this.#response.detachSocket(socket);
    socket.write(rawHead(101, reasonPhrase(answer), fields), 'latin1');
    return true;
  }

  /**
   * Sends the head of the final answer.
   *
   * @param isLast whether the connection ends behind it, whatever the two ends want
   * @returns false, with nothing done, where the head holds what HTTP bars
   */
  writeHead(answer: IncomingMessage, isLast: boolean): boolean {
    const { statusCode = 0 } = answer;
    const fields = answerFields(answer, this.#goesInChunks(answer));
    const { 'access-control-allow-origin': ownCors } = answer.headers;
    // Else the page takes a message that has arrived for one that failed, and may send it again.
    if (this.corsOrigin !== undefined && ownCors === undefined) {
      fields.push(...corsFields(this.corsOrigin).flat());
    }
    // RFC 9112 6.1: what a coding besides chunked has wrapped would go on without its wrapping.
    if (statusCode < 200 || hasForeignCoding(answer) || !areWritable('', fields)) return false;
    if (!isHttp1(answer)) return false;
    if (isLast) this.#response.shouldKeepAlive = false;
    this.#response.sendDate = false;
    this.#response.writeHead(statusCode, reasonPhrase(answer), fields);
    // The head goes at once, in the bytes in which it came: see openUpstream().
    this.#response.write('', 'latin1');
    return true;
  }

  /** Node writes the trailers where the answer goes in chunks. */
  addTrailers(answer: IncomingMessage): void {
    this.#response.addTrailers(trailerFields(answer));
  }

  /** Whether Node will send the answer in chunks as it came, so that trailers find their way. */
  #goesInChunks(answer: IncomingMessage): boolean {
    const hasNoBody = answer.statusCode === 204 || answer.statusCode === 304;
    if (hasNoBody || this.#request.method === 'HEAD') return false;
    return isChunked(answer) && this.#response.useChunkedEncodingByDefault;
  }
}

/** RFC 9112 2.3: Node also takes HTTP/0.9 and HTTP/2.0 in the status line. */
function isHttp1({ httpVersionMajor }: IncomingMessage): boolean {
  return httpVersionMajor === 1;
}
