/** A connection of a shared tunnel, carried in frames over a local socket. */
import { Duplex } from 'node:stream';

import { codeOf, messageOf } from '../../lib/errors/error-message.js';
import { parseJson } from '../../lib/text/parse-json.js';
import { FRAME, frame, frameHeader, FrameReader, type FrameType, MAX_FRAME } from './frames.js';

/** How long, in milliseconds, the other process may take to read the last frames. */
const LINGER = 2_000;

/** The interval, in milliseconds, between reports of acknowledged bytes. */
const REPORT_INTERVAL = 50;

/** The maximum length of an error message in characters. */
const MAX_MESSAGE = 1_000;

/**
 * One end of the connection. destroy() with an error makes the other end fail with the same code
 * and message.
 */
export class FramedStream extends Duplex {
  readonly #socket: Duplex;
  readonly #lost: () => Error;
  readonly #reader: FrameReader;
  #hasSentEnd = false;
  #hasReceivedEnd = false;
  #sent = 0;
  #acknowledged = 0;
  #reports: NodeJS.Timeout | undefined;
  #reportSoon: () => void = () => undefined;

  /**
   * @param socket its further bytes are frames, including unread ones
   * @param lost the error if the other process disconnects before the connection is complete
   */
  constructor(socket: Duplex, lost: () => Error) {
    super({ allowHalfOpen: true, readableHighWaterMark: MAX_FRAME });
    this.#socket = socket;
    this.#lost = lost;
    this.#reader = new FrameReader((type, payload) => this.#handle(type, payload), {
      splitsData: true,
    });
    // The 'close' listener handles errors.
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.once('end', () => this.#handleLoss());
    socket.once('close', () => this.#handleLoss());
    socket.resume();
    if (socket.destroyed) process.nextTick(() => this.#handleLoss());
  }

  /** The number of bytes written or queued that the target has not acknowledged. */
  get unacknowledgedBytes(): number {
    return Math.max(0, this.#sent + this.writableLength - this.#acknowledged);
  }

  /**
   * Reports to the other end how many bytes the target has acknowledged.
   *
   * @param total returns the number since the connection was opened
   */
  reportAcknowledged(total: () => number): void {
    let reported = 0;
    this.#reportSoon = () => {
      const now = total();
      if (now <= reported || this.destroyed || this.#hasSentEnd) return;
      reported = now;
      const payload = Buffer.alloc(8);
      payload.writeBigUInt64BE(BigInt(now));
      this.#socket.write(frame(FRAME.acknowledged, payload));
    };
    this.#reports = setInterval(() => {
      // Do not queue reports for a client that does not read. Each report contains the total.
      if (!this.#socket.writableNeedDrain) this.#reportSoon();
    }, REPORT_INTERVAL);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#send([chunk], done);
  }

  override _writev(
    chunks: { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#reportSoon();
    this.#hasSentEnd = true;
    this.#socket.write(frameHeader(FRAME.end, 0), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.#reports);
    const socket = this.#socket;
    const isComplete = this.#hasSentEnd && this.#hasReceivedEnd;
    if (socket.destroyed || socket.writableEnded) socket.destroy();
    else {
      // Read and drop further frames, because unread bytes would make the system report a reset.
      socket.resume();
      socket.end(isComplete ? undefined : abortFrame(error));
      const timer = setTimeout(() => socket.destroy(), LINGER);
      socket.once('finish', () => socket.destroy());
      socket.once('close', () => clearTimeout(timer));
    }
    done(error);
  }

  #send(chunks: readonly Buffer[], done: (error?: Error | null) => void): void {
    const socket = this.#socket;
    const pieces = chunks.flatMap(piecesOf);
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const finish = (error?: Error | null) => {
      this.#sent += length;
      done(error);
    };
    if (pieces.length === 0) {
      finish();
      return;
    }
    socket.cork();
    for (const [index, piece] of pieces.entries()) {
      socket.write(frameHeader(FRAME.data, piece.length));
      if (index < pieces.length - 1) socket.write(piece);
      else socket.write(piece, finish);
    }
    socket.uncork();
  }

  #read(chunk: Buffer): void {
    if (this.destroyed) return;
    if (!this.#reader.read(chunk)) this.destroy(new Error('the frames are invalid'));
  }

  #handle(type: FrameType, payload: Buffer): void {
    if (this.destroyed) return;
    if (type === FRAME.abort) {
      this.destroy(abortError(payload));
    } else if (type === FRAME.acknowledged) {
      if (payload.length === 8) this.#acknowledged = Number(payload.readBigUInt64BE());
    } else if (!this.#hasReceivedEnd && type === FRAME.end) {
      this.#hasReceivedEnd = true;
      this.push(null);
    } else if (!this.#hasReceivedEnd && type === FRAME.data) {
      if (payload.length > 0 && !this.push(payload)) this.#socket.pause();
    }
  }

  #handleLoss(): void {
    if (this.destroyed || (this.#hasSentEnd && this.#hasReceivedEnd)) return;
    this.destroy(this.#lost());
  }
}

function piecesOf(chunk: Buffer): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0; start < chunk.length; start += MAX_FRAME) {
    pieces.push(chunk.subarray(start, start + MAX_FRAME));
  }
  return pieces;
}

function abortFrame(error: Error | null): Buffer {
  const message = error === null ? 'the connection was closed' : messageOf(error);
  const reason = { code: codeOf(error), message: message.slice(0, MAX_MESSAGE) };
  return frame(FRAME.abort, Buffer.from(JSON.stringify(reason)));
}

function abortError(payload: Buffer): Error {
  const { code, message } = (parseJson(payload.toString()) ?? {}) as Record<string, unknown>;
  const error = new Error(typeof message === 'string' ? message : 'the connection was aborted');
  return typeof code === 'string' ? Object.assign(error, { code }) : error;
}
