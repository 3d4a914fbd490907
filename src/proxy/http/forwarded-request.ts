/** The client's request as it is forwarded to the target (RFC 9110 7.6). */
import type { ClientMessage, ClientRequest } from './client/client-message.js';
import type { Destination } from './exchange-context.js';
import {
  areWritable,
  bindConnection,
  type HeaderField,
  isChunked,
  requestFields,
  trailerFields,
} from './header-fields.js';
import { fieldLines, framed } from './raw-head.js';
import type { Upstream } from './target/upstream.js';

const EMPTY = Buffer.alloc(0);

/** The number of body bytes to buffer before a connection to the target is open. */
export const MAX_HELD = 64 * 1024;

export interface RequestEvents {
  /** A part of the body has arrived, or more of it can be sent. */
  onProgress(): void;
  /** The whole body has arrived from the client. */
  onWhole(): void;
}

export class ForwardedRequest {
  /** The client withholds the body until it receives 100 (Continue) (RFC 9110 10.1.1). */
  awaitsContinue: boolean;
  readonly #request: ClientRequest;
  readonly #upgrades: boolean;
  readonly #events: RequestEvents;
  /** The parts of the body that have arrived, while no connection is open. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isWhole = false;
  #isStopped = false;
  /** Set while the body is collected before it is sent. */
  #onTooLong: (() => void) | undefined;
  #upstream: Upstream | undefined;

  constructor({ request, expectsContinue, upgrades }: ClientMessage, events: RequestEvents) {
    this.#request = request;
    this.#upgrades = upgrades;
    this.awaitsContinue = expectsContinue;
    this.#events = events;
  }

  /**
   * Starts to read the body.
   *
   * If Node reads the request, call this after Node has parsed the bytes that contained the head. A
   * short body that came with the head is then complete immediately, without stream events.
   */
  read(): void {
    const request = this.#request;
    if (request.complete || request.readableLength === this.announcedLength) {
      const body = request.read() as Buffer | null;
      if (body !== null) this.#held.push(body);
      this.#isWhole = true;
      request.resume();
      return;
    }
    request.on('data', (chunk: Buffer) => this.#take(chunk));
    request.once('end', () => this.#end());
  }

  /**
   * Collects the body before it is sent. Call this after read(), unless the body is whole.
   *
   * @param onTooLong called once if the body is longer than MAX_HELD; it is then no longer collected
   */
  collect(onTooLong: () => void): void {
    this.#onTooLong = onTooLong;
  }

  /** Whether the whole body has arrived. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /**
   * The length that the client has announced; 0 without a body; undefined if it is unknown until
   * the body ends.
   */
  get announcedLength(): number | undefined {
    if (isChunked(this.#request)) return undefined;
    return Number(this.#request.headers['content-length'] ?? 0);
  }

  /**
   * Formats the request head.
   *
   * @param added fields that replace the client's fields of the same name
   * @param keepsAlive whether the target may keep the connection open
   * @returns undefined if the head contains characters that HTTP forbids
   */
  head(
    { target, path, without }: Destination,
    added: readonly HeaderField[],
    keepsAlive: boolean,
  ): string | undefined {
    const fields = requestFields(this.#request, target, {
      added,
      without,
      expectsContinue: this.awaitsContinue,
      upgrades: this.#upgrades,
      keepsAlive,
    });
    if (!areWritable(path, fields)) return undefined;
    return `${this.#request.method ?? ''} ${path} HTTP/1.1\r\n${fieldLines(fields)}\r\n`;
  }

  /** The head, followed by the part of the body that has arrived, with the body's framing. */
  bytes(head: string): Buffer {
    const [first = EMPTY] = this.#held;
    if (this.#held.length <= 1 && !isChunked(this.#request)) return framed(head, first, '');
    const parts: Buffer[] = [Buffer.from(head, 'latin1')];
    for (const chunk of this.#held) parts.push(...this.#framed(chunk));
    if (this.#isWhole && isChunked(this.#request)) parts.push(this.#lastChunk());
    return Buffer.concat(parts);
  }

  /**
   * Sends bytes(), and then the rest of the body as it arrives. If the whole body has arrived, the
   * request can be sent again.
   */
  sendBy(upstream: Upstream, bytes: Buffer): void {
    this.#upstream = upstream;
    if (!this.#isWhole) this.#held = [];
    const isFull = !upstream.write(bytes);
    if (isFull) this.#request.pause();
    else this.#request.resume();
  }

  /** Continues after the connection's buffer was full. */
  drained(): void {
    if (!this.#isStopped) this.#request.resume();
    this.#events.onProgress();
  }

  /** Whether the target may attribute later requests on the connection to this client. */
  get bindsConnection(): boolean {
    return bindConnection(this.#request.rawHeaders);
  }

  /** Whether the whole request has been sent to the target. */
  get isSent(): boolean {
    return this.#isWhole && this.#upstream?.stream.writableLength === 0;
  }

  /**
   * Whether the exchange is waiting for the client: its body is incomplete, and the upstream can
   * accept more.
   */
  get awaitsClient(): boolean {
    if (this.awaitsContinue || this.#isWhole) return false;
    if (this.#onTooLong !== undefined) return true;
    return this.#upstream?.stream.writableNeedDrain === false;
  }

  /** Stops forwarding; the rest of the body is read and dropped. */
  stop(): void {
    this.#isStopped = true;
    this.#held = [];
    this.#request.resume();
  }

  #take(chunk: Buffer): void {
    if (this.#isStopped) return;
    // The client is no longer waiting for a 100 response.
    this.awaitsContinue = false;
    if (this.#upstream === undefined) this.#hold(chunk);
    else this.#send(this.#upstream, this.#framed(chunk));
    this.#events.onProgress();
  }

  #end(): void {
    if (this.#isStopped) return;
    this.#isWhole = true;
    if (this.#upstream !== undefined && isChunked(this.#request)) {
      this.#upstream.write(this.#lastChunk());
    }
    this.#events.onWhole();
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes <= MAX_HELD) return;
    this.#request.pause();
    const onTooLong = this.#onTooLong;
    this.#onTooLong = undefined;
    onTooLong?.();
  }

  #send(upstream: Upstream, parts: readonly Buffer[]): void {
    let hasRoom = true;
    for (const part of parts) hasRoom = upstream.write(part);
    if (!hasRoom) this.#request.pause();
  }

  #framed(chunk: Buffer): Buffer[] {
    if (!isChunked(this.#request)) return [chunk];
    const size = Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1');
    return [size, chunk, Buffer.from('\r\n', 'latin1')];
  }

  /** The last chunk, including the trailer section (RFC 9112 7.1). */
  #lastChunk(): Buffer {
    const trailers = fieldLines(trailerFields(this.#request.rawTrailers).flat());
    return Buffer.from(`0\r\n${trailers}\r\n`, 'latin1');
  }
}
