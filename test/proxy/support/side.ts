/** One end of a stream in memory, without time. */
import { Duplex } from 'node:stream';

/** A stream whose other side is the test: the bytes it sends, the bytes it reads, and its end. */
export class Side extends Duplex {
  /** The bytes that were written to it and read. */
  taken = '';
  /** How it was destroyed: `open` until then. */
  fate: 'open' | 'in order' | 'reset' = 'open';
  isFull = false;
  hasEnded = false;
  #waiting: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true, readableHighWaterMark: 8, writableHighWaterMark: 8 });
    this.on('close', () => {
      this.fate = this.errored === null ? 'in order' : 'reset';
    });
    this.on('finish', () => {
      this.hasEnded = true;
    });
  }

  /** Reads the queued bytes, and the rest as it comes. */
  drain(): void {
    this.isFull = false;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const take = () => {
      this.taken += chunk.toString();
      done();
    };
    if (this.isFull) this.#waiting = take;
    else take();
  }
}
