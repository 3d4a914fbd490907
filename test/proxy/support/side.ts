/** One end of a stream in memory, without time. */
import { Duplex } from 'node:stream';

/** A stream whose other side is the test: what it says, what it takes, and how it ends. */
export class Side extends Duplex {
  /** What was written to it, and taken. */
  taken = '';
  /** How it was destroyed: `open` while it was not. */
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

  /** Takes what waits, and the rest as it comes. */
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
