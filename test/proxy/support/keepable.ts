/** A stream in memory whose connection can be kept: the test decides what TCP knows about it. */
import { Duplex } from 'node:stream';

import type { Dialer, KeepableStream } from '../../../src/proxy/dialer.js';
import { until } from '../../support/until.js';

export class KeepableSide extends Duplex implements KeepableStream {
  isQuiet = true;
  segmentSize = 1_300;
  isUnacknowledged = false;
  provesUnread = false;
  unreadDoubt: string | undefined;
  /** What was written, as latin1 text. */
  written: string[] = [];
  hasEnded = false;
  /** How often a response was expected. */
  expected = 0;

  constructor() {
    super({ allowHalfOpen: true });
    this.on('finish', () => (this.hasEnded = true));
  }

  /** Resolves with all that was written since the last call, after at least one write. */
  async request(): Promise<string> {
    await until(() => this.written.length > 0);
    return this.written.splice(0).join('');
  }

  expectAnswer(): void {
    this.expected++;
  }

  /** How often idleBegins() was called, and the durations of idleEnds(). */
  idle = 0;
  readonly idleTimes: number[] = [];

  idleBegins(): void {
    this.idle++;
  }

  idleEnds(duration: number): void {
    this.idleTimes.push(duration);
  }

  /** Whether the connection was ended without sending anything. */
  isAbandoned = false;

  abandon(): void {
    this.isAbandoned = true;
    this.destroy();
  }

  respond(text: string): void {
    this.push(Buffer.from(text, 'latin1'));
  }

  /** The end of a connection whose last request reached a host without a socket. */
  resetUnread(): void {
    this.provesUnread = true;
    this.destroy(Object.assign(new Error('ECONNRESET'), { code: 'ECONNRESET' }));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk.toString('latin1'));
    done();
  }
}

/** Dials such streams, and remembers them. */
export class KeepableDialer implements Dialer {
  readonly sides: KeepableSide[] = [];

  dial(): Promise<KeepableSide> {
    const side = new KeepableSide();
    this.sides.push(side);
    return Promise.resolve(side);
  }

  /** Resolves with the connection of this number, when it has been dialed. */
  async side(index: number): Promise<KeepableSide> {
    await until(() => this.sides.length > index);
    return this.sides[index]!;
  }
}
