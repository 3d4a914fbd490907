/** A host inside the tunnel, in memory: answers each request that it reads. */
import { Duplex } from 'node:stream';

const END = '\r\n\r\n';
export const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** The number of targets that are open, of all dialers. */
export const targets = { open: 0 };

export class AnsweringTarget extends Duplex {
  /** The end of what was read, in which a request may end. */
  #tail = '';

  constructor() {
    super({ allowHalfOpen: true });
    targets.open++;
    this.once('close', () => targets.open--);
    this.on('error', () => undefined);
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const text = this.#tail + chunk.toString('latin1');
    const requests = text.split(END).length - 1;
    this.#tail = text.slice(-(END.length - 1));
    if (requests > 0) this.#tail = '';
    for (let count = 0; count < requests; count++) this.push(ANSWER);
    // A target that waits for its reader stops reading, as TCP does.
    if (this.readableLength > this.readableHighWaterMark) this.once('drained', done);
    else done();
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    if (this.readableLength <= this.readableHighWaterMark) this.emit('drained');
    return chunk;
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }
}

/** A dialer to such hosts. */
export const answeringDialer = {
  dial: (_target: unknown, signal?: AbortSignal): Promise<Duplex> =>
    signal?.aborted === true
      ? Promise.reject(signal.reason as Error)
      : Promise.resolve(new AnsweringTarget()),
};
