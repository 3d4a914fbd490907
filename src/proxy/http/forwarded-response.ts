/** Forwards the target's interim and final responses to the client (RFC 9110 7.6). */
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

/** Node's description of a 1xx response. */
export interface InterimResponse {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly rawHeaders: string[];
}

export class ForwardedResponse {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** The origin whose pages may read the response. */
  corsOrigin: string | undefined;
  #interimCount = 0;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  /**
   * Forwards interim responses to clients that support them (RFC 9110 15.2).
   *
   * @param awaitsContinue whether the client waits for a 100
   */
  inform(
    { statusCode, statusMessage, rawHeaders }: InterimResponse,
    awaitsContinue: boolean,
  ): void {
    const fields = interimFields(rawHeaders);
    // Interim responses bypass Node's queue, so their number is limited.
    const isTaken = this.#request.httpVersionMinor >= 1 && ++this.#interimCount <= MAX_INTERIM;
    if (statusCode === 100 && awaitsContinue) {
      // Unless writeContinue() sends the 100, Node closes the connection after the response.
      this.#response.writeContinue();
    } else if (isTaken && areWritable('', fields)) {
      const head = rawHead(statusCode, reasonPhrase({ statusMessage }), fields);
      this.#request.socket.write(head, 'latin1');
    }
  }

  /**
   * Forwards a 101 and detaches the client's connection (RFC 9110 15.2.2).
   *
   * @returns false, without writing anything, if the response contains characters that HTTP forbids
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
   * Sends the head of the final response.
   *
   * @param isLast whether to close the connection afterwards, even if both sides want to keep it
   * @returns false, without writing anything, if the head contains characters that HTTP forbids
   */
  writeHead(answer: IncomingMessage, isLast: boolean): boolean {
    const { statusCode = 0 } = answer;
    const fields = answerFields(answer, this.#goesInChunks(answer));
    const { 'access-control-allow-origin': ownCors } = answer.headers;
    // Without these fields the page would see a delivered message as failed and might repeat it.
    if (this.corsOrigin !== undefined && ownCors === undefined) {
      fields.push(...corsFields(this.corsOrigin).flat());
    }
    // RFC 9112 6.1: a body in another transfer coding would be forwarded without the field that
    // names the coding.
    if (statusCode < 200 || hasForeignCoding(answer) || !areWritable('', fields)) return false;
    if (!isHttp1(answer)) return false;
    if (isLast) this.#response.shouldKeepAlive = false;
    this.#response.sendDate = false;
    this.#response.writeHead(statusCode, reasonPhrase(answer), fields);
    // Sends the head immediately and as latin1, which keeps its bytes: see openUpstream().
    this.#response.write('', 'latin1');
    return true;
  }

  /** Adds the trailers; Node writes them only if the response is chunked. */
  addTrailers(answer: IncomingMessage): void {
    this.#response.addTrailers(trailerFields(answer));
  }

  /** Whether Node will send the response in chunks as received, so that trailers can follow. */
  #goesInChunks(answer: IncomingMessage): boolean {
    const hasNoBody = answer.statusCode === 204 || answer.statusCode === 304;
    if (hasNoBody || this.#request.method === 'HEAD') return false;
    return isChunked(answer) && this.#response.useChunkedEncodingByDefault;
  }
}

/** RFC 9112 2.3: Node also accepts HTTP/0.9 and HTTP/2.0 in the status line. */
function isHttp1({ httpVersionMajor }: IncomingMessage): boolean {
  return httpVersionMajor === 1;
}
