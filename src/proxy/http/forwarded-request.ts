/** The client's request on its way to the target (RFC 9110 7.6). */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import type { ClientMessage, Destination } from './exchange-context.js';
import {
  areWritable,
  hasBody,
  type HeaderField,
  isChunked,
  requestFields,
  trailerFields,
} from './header-fields.js';
import { openUpstream } from './upstream.js';

export class ForwardedRequest {
  /** The client holds its body back until it is told to go on (RFC 9110 10.1.1). */
  awaitsContinue: boolean;
  readonly #request: IncomingMessage;
  readonly #upgrades: boolean;
  #upstream: ClientRequest | undefined;

  constructor({ request, expectsContinue, upgrades }: ClientMessage) {
    this.#request = request;
    this.#upgrades = upgrades;
    this.awaitsContinue = expectsContinue;
  }

  /**
   * Sends the head.
   *
   * @param added fields in place of the client's fields of the same name
   * @returns undefined where the head holds what HTTP bars
   */
  open(
    stream: Duplex,
    { target, path }: Destination,
    added: readonly HeaderField[],
  ): ClientRequest | undefined {
    const method = this.#request.method ?? '';
    const fields = requestFields(this.#request, target, {
      added,
      expectsContinue: this.awaitsContinue,
      upgrades: this.#upgrades,
    });
    if (!areWritable(path, fields)) return undefined;
    const head = { method, path, fields, hasBody: hasBody(this.#request) };
    return (this.#upstream = openUpstream(stream, head));
  }

  /**
   * Sends the body as it comes, until stop().
   *
   * @param onProgress called with each part that came, and where there is room for more
   * @param onEnd called when all of it has come; end() is to follow
   */
  sendBody(upstream: ClientRequest, onProgress: () => void, onEnd: () => void): void {
    const request = this.#request;
    request.pipe(upstream, { end: false });
    request.on('data', () => {
      // It does not wait to be told any more.
      this.awaitsContinue = false;
      onProgress();
    });
    request.once('end', onEnd);
    upstream.on('drain', onProgress);
  }

  end(): void {
    if (isChunked(this.#request)) this.#upstream?.addTrailers(trailerFields(this.#request));
    this.#upstream?.end();
  }

  /** Whether the target has been sent all of it. */
  get isSent(): boolean {
    return this.#request.complete && this.#upstream?.writableFinished === true;
  }

  /** Whether the next step is the client's: there is more of its body, and room for it. */
  get awaitsClient(): boolean {
    if (this.awaitsContinue || this.#request.complete) return false;
    return this.#upstream?.writableNeedDrain === false;
  }

  /** What still comes of the body is read and dropped. */
  stop(): void {
    if (this.#upstream !== undefined) this.#request.unpipe(this.#upstream);
    this.#request.resume();
  }

  /** Cuts it off. */
  destroy(): void {
    this.#upstream?.destroy();
  }
}
