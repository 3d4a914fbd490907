/** A connection to the target, and the HTTP exchanges on it, one at a time. */
import type { Duplex } from 'node:stream';

import type { KeepableStream } from '../../dialer.js';
import { type ResponseHandler, ResponseParser } from '../response-parser.js';

/** The time limit in ms for both ends of a finished connection to close cleanly. */
const LINGER = 5_000;

/**
 * How long, in ms, an unanswered request waits after the target's FIN for an RST that proves that
 * the request is unread. This is longer than any round trip.
 */
const PROOF_TIMEOUT = 3_000;

/** The interval, in ms, between checks whether such an RST can still arrive. */
const PROOF_INTERVAL = 50;

/** Receives the response, or the reason why it is incomplete. */
export interface UpstreamHandler extends ResponseHandler {
  /** The bytes received are not HTTP/1.1. */
  malformed(): void;
  /**
   * The connection has ended before the response was complete.
   *
   * @param error undefined if the target closed it
   * @param isUnread whether it is certain that the target has not read the request
   */
  lost(error: Error | undefined, isUnread: boolean): void;
  /** Called after write() has returned false, when more can be written again. */
  drain(): void;
}

export class Upstream {
  readonly stream: Duplex;
  readonly #parser = new ResponseParser();
  #handler: UpstreamHandler | undefined;
  #onIdleEnd: (() => void) | undefined;
  /** Whether any byte of the current response has arrived. */
  #isAnswered = false;
  /** Whether the response can arrive only after the target has acknowledged the request. */
  #comesAfterAck = false;
  /** Whether bytes have arrived that cannot be the response. */
  #isStray = false;
  #proofTimer: NodeJS.Timeout | undefined;
  #error: Error | undefined;
  #ended = false;
  readonly #onData = (bytes: Buffer): void => this.#receive(bytes);
  readonly #onEnd = (): void => this.#end();
  readonly #onError = (error: Error): void => this.#fail(error);
  readonly #onClose = (): void => this.#close();
  readonly #onDrain = (): void => this.#handler?.drain();

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('error', this.#onError);
    stream.on('data', this.#onData);
    stream.on('end', this.#onEnd);
    stream.on('close', this.#onClose);
    stream.on('drain', this.#onDrain);
    // A stream that another Upstream has released is paused.
    stream.resume();
  }

  /**
   * The number of bytes that fit into one TCP segment; 0 if the stream cannot prove that a request
   * is unread.
   */
  get segmentSize(): number {
    return keepable(this.stream)?.segmentSize ?? 0;
  }

  /** Whether there is no sign that the connection has ended or that data is still in flight. */
  get isQuiet(): boolean {
    const { stream } = this;
    if (this.#ended || this.#error !== undefined || stream.destroyed) return false;
    if (this.#parser.restLength > 0 || stream.readableLength > 0) return false;
    return stream.writableLength === 0 && keepable(stream)?.isQuiet === true;
  }

  /** Whether the target has closed or reset the connection, or sent bytes without a request. */
  get isClosedByTarget(): boolean {
    const error = this.#error as NodeJS.ErrnoException | undefined;
    return this.#ended || this.#isStray || error?.code === 'ECONNRESET';
  }

  /** Starts an exchange. `handler` is called until finish() or release(). */
  begin(handler: UpstreamHandler, request: { isHead: boolean; upgrades: boolean }): void {
    this.#handler = handler;
    this.#onIdleEnd = undefined;
    this.#isAnswered = false;
    this.#comesAfterAck = false;
    this.#isStray = false;
    this.#parser.begin(handler, request);
    if (this.stream.destroyed) setImmediate(() => this.#close());
  }

  /** See KeepableStream. Call this after sending a request in one segment. */
  expectAnswer(): void {
    this.#comesAfterAck = true;
    keepable(this.stream)?.expectAnswer();
  }

  /** @returns false if the caller should wait for UpstreamHandler.drain() */
  write(bytes: Buffer): boolean {
    return this.stream.write(bytes);
  }

  /**
   * Keeps the connection open after an exchange.
   *
   * @param onEnd called once if the connection ends or receives bytes before the next exchange
   * begins
   */
  idle(onEnd: () => void): void {
    this.#finish();
    this.#onIdleEnd = onEnd;
    this.stream.resume();
  }

  /** See KeepableStream. */
  idleBegins(): void {
    keepable(this.stream)?.idleBegins();
  }

  /** See KeepableStream. */
  idleEnds(duration: number): void {
    keepable(this.stream)?.idleEnds(duration);
  }

  /** Closes the connection cleanly within a time limit. */
  close(): void {
    this.#finish();
    lingerAndClose(this.stream);
  }

  /** Resets the connection, unless both sides have already closed it. */
  destroy(): void {
    this.#finish();
    this.stream.destroy();
  }

  /** Ends the connection without sending anything. */
  abandon(): void {
    this.#finish();
    keepable(this.stream)?.abandon();
  }

  /** Gives the stream to the caller, with the bytes that followed the response head. */
  release(): Duplex {
    const { stream } = this;
    const { rest } = this.#parser;
    this.#finish();
    stream.pause();
    stream.off('error', this.#onError).off('data', this.#onData).off('end', this.#onEnd);
    stream.off('close', this.#onClose).off('drain', this.#onDrain);
    if (rest.length > 0) stream.unshift(rest);
    return stream;
  }

  #finish(): void {
    this.#handler = undefined;
    this.#onIdleEnd = undefined;
    this.#parser.stop();
    clearTimeout(this.#proofTimer);
  }

  #receive(bytes: Buffer): void {
    const handler = this.#handler;
    if (handler === undefined) {
      this.#isStray = true;
      this.#endIdle();
      return;
    }
    if (this.#isStray || this.#arrivedTooEarly()) {
      this.#refuseStray();
      return;
    }
    this.#isAnswered = true;
    this.#parser.write(bytes);
    if (this.#parser.state === 'malformed' && this.#handler === handler) handler.malformed();
  }

  /**
   * If a request was sent in one segment, every segment of the response acknowledges the request.
   */
  #arrivedTooEarly(): boolean {
    return this.#comesAfterAck && !this.#isAnswered && this.#isUnacknowledged();
  }

  #isUnacknowledged(): boolean {
    return keepable(this.stream)?.isUnacknowledged === true;
  }

  /** Why the target may have read the lost request, in a few words. */
  get unreadDoubt(): string {
    if (this.#isAnswered) return 'the response had begun';
    return keepable(this.stream)?.unreadDoubt ?? 'no RST';
  }

  #provesUnread(): boolean {
    return keepable(this.stream)?.provesUnread === true;
  }

  /**
   * Drops bytes that crossed the request, such as a 408 for the idle connection. If a response
   * follows, it cannot be distinguished from these bytes.
   */
  #refuseStray(): void {
    if (this.#isStray) return;
    this.#isStray = true;
    this.#error ??= new Error('the target sent bytes before it received the request');
    this.#awaitProof(PROOF_TIMEOUT);
  }

  #end(): void {
    this.#ended = true;
    this.#endIdle();
    this.#parser.endOfInput();
    if (this.#handler === undefined || this.#parser.state === 'complete' || this.#isStray) return;
    this.#awaitProof(PROOF_TIMEOUT);
  }

  /**
   * After the target's FIN, or after stray bytes, no response can arrive, but an RST may still
   * prove that the target had closed the connection before the request arrived.
   */
  #awaitProof(left: number): void {
    const canCome = !this.#isAnswered && this.#isUnacknowledged() && !this.#provesUnread();
    // If there is a proof, ends the connection before TCP retransmits the request.
    if (!canCome || left <= 0) {
      this.#lose();
      return;
    }
    // Count the checks instead of the time: after a freeze, the RST may still wait in the socket.
    this.#proofTimer = setTimeout(() => this.#awaitProof(left - PROOF_INTERVAL), PROOF_INTERVAL);
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#endIdle();
    this.#lose();
  }

  #close(): void {
    this.#endIdle();
    this.#lose();
  }

  #lose(): void {
    const handler = this.#handler;
    if (handler === undefined) return;
    const isUnread = !this.#isAnswered && this.#provesUnread();
    this.#finish();
    handler.lost(this.#error, isUnread);
  }

  #endIdle(): void {
    const onEnd = this.#onIdleEnd;
    this.#onIdleEnd = undefined;
    onEnd?.();
  }
}

function keepable(stream: Duplex): KeepableStream | undefined {
  return 'provesUnread' in stream ? (stream as KeepableStream) : undefined;
}

function lingerAndClose(stream: Duplex): void {
  if (stream.destroyed) return;
  stream.end();
  stream.resume();
  const timer = setTimeout(() => stream.destroy(), LINGER).unref();
  stream.once('close', () => clearTimeout(timer));
}
