/** The client's request as it is forwarded to the target (RFC 9110 7.6). */
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
  /** The client withholds the body until it receives 100 (Continue) (RFC 9110 10.1.1). */
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
   * @param added fields that replace the client's fields of the same name
   * @returns undefined if the head contains characters that HTTP forbids
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
   * Streams the body until stop().
   *
   * @param onProgress called for each chunk received, and when the upstream drains
   * @param onEnd called when the whole body has arrived; the caller then calls end()
   */
  sendBody(upstream: ClientRequest, onProgress: () => void, onEnd: () => void): void {
    const request = this.#request;
    request.pipe(upstream, { end: false });
    request.on('data', () => {
      // The client is no longer waiting for a 100.
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

  /** Whether the whole request has been sent to the target. */
  get isSent(): boolean {
    return this.#request.complete && this.#upstream?.writableFinished === true;
  }

  /** Whether the client has to send next: its body is incomplete and the upstream has room. */
  get awaitsClient(): boolean {
    if (this.awaitsContinue || this.#request.complete) return false;
    return this.#upstream?.writableNeedDrain === false;
  }

  /** Stops forwarding; the rest of the body is read and dropped. */
  stop(): void {
    if (this.#upstream !== undefined) this.#request.unpipe(this.#upstream);
    this.#request.resume();
  }

  /** Aborts the upstream request. */
  destroy(): void {
    this.#upstream?.destroy();
  }
}
