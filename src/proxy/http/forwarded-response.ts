/** Forwards the target's interim and final responses to the client (RFC 9110 7.6). */
import { corsFields } from './browser-check.js';
import type { ClientRequest, ClientResponse } from './client/client-message.js';
import {
  answerFields,
  areWritable,
  interimFields,
  switchFields,
  trailerFields,
} from './header-fields.js';
import { MAX_INTERIM } from './limits.js';
import { rawHead, reasonPhrase } from './raw-head.js';
import type { ResponseHead } from './response-head.js';

export class ForwardedResponse {
  readonly #request: ClientRequest;
  readonly #response: ClientResponse;
  /** The origin whose pages may read the response. */
  corsOrigin: string | undefined;
  #interimCount = 0;
  #isHeadSent = false;

  constructor(request: ClientRequest, response: ClientResponse) {
    this.#request = request;
    this.#response = response;
  }

  /**
   * Forwards interim responses to clients that support them (RFC 9110 15.2).
   *
   * @param awaitsContinue whether the client waits for a 100 response
   */
  inform({ status, reason, rawHeaders }: ResponseHead, awaitsContinue: boolean): void {
    // Limit the number of interim responses, because they are written directly to the socket.
    const isTaken = this.#request.httpVersionMinor >= 1 && ++this.#interimCount <= MAX_INTERIM;
    if (status === 100 && awaitsContinue) {
      // Unless writeContinue() sends the 100, Node closes the connection after the response.
      this.#response.writeContinue();
      return;
    }
    const fields = isTaken ? interimFields(rawHeaders) : undefined;
    if (fields === undefined || !areWritable('', fields)) return;
    this.#request.socket.write(rawHead(status, reasonPhrase(reason), fields), 'latin1');
  }

  /**
   * Forwards a 101 and detaches the client's connection (RFC 9110 15.2.2).
   *
   * @returns false, without writing anything, if the response contains characters that HTTP forbids
   */
  switchProtocols(answer: ResponseHead): boolean {
    const { socket } = this.#request;
    const fields = switchFields(answer);
    if (!areWritable('', fields)) return false;
    this.#response.detachSocket(socket);
    socket.write(rawHead(101, reasonPhrase(answer.reason), fields), 'latin1');
    return true;
  }

  /**
   * Sends the head of the final response.
   *
   * @param answer a head from parseResponseHead(), which accepts only fields that Node writes
   * unchanged
   * @param isLast whether to close the connection afterwards, even if both sides want to keep it
   * open
   */
  writeHead(answer: ResponseHead, isLast: boolean): void {
    const fields = answerFields(answer, this.#goesInChunks(answer));
    // Without these fields, a delivered message would look like a failure to the page, which might
    // repeat it.
    const hasOwnCors = answer.headers.has('access-control-allow-origin');
    if (this.corsOrigin !== undefined && !hasOwnCors) {
      fields.push(...corsFields(this.corsOrigin).flat());
    }
    if (isLast) this.#response.shouldKeepAlive = false;
    this.#response.sendDate = false;
    this.#response.writeHead(answer.status, reasonPhrase(answer.reason), fields);
    // If the rest of the response has arrived too, it is sent together with the head.
    process.nextTick(() => this.#sendHead());
  }

  /** Sends the head as latin1, which preserves its bytes, unless write() or end() has sent it. */
  #sendHead(): void {
    if (this.#isHeadSent || this.#response.writableEnded) return;
    this.#response.write('', 'latin1');
  }

  /** @returns false if the caller should wait for the event `drain` */
  write(bytes: Buffer): boolean {
    this.#isHeadSent = true;
    return this.#response.write(bytes);
  }

  /** Adds the trailers, which are sent only if the response is chunked. */
  addTrailers(rawTrailers: readonly string[]): void {
    this.#response.addTrailers(trailerFields(rawTrailers));
  }

  /**
   * Whether the client receives chunks, as from the target, so that trailers can follow.
   */
  #goesInChunks({ status, framing }: ResponseHead): boolean {
    const hasNoBody = status === 204 || status === 304;
    if (hasNoBody || this.#request.method === 'HEAD') return false;
    return framing === 'chunked' && this.#response.useChunkedEncodingByDefault;
  }
}
