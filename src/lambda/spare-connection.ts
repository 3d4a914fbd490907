/**
 * A connection that is opened at the start of an invocation for the function's next request, which
 * then takes one round trip instead of two (docs/decisions/0015-connect-ahead-in-lambda.md).
 */
import type { Duplex } from 'node:stream';

import type { WallClock } from '../ports/clock.js';
import { abortReason } from '../lib/errors/error-message.js';
import { whileWaiting } from '../lib/waits.js';

/**
 * The maximum age in ms on the wall clock; the other end may close the connection unnoticed during
 * a freeze.
 */
const LIFE = 5_000;

export class SpareConnection {
  readonly #wallClock: WallClock;
  #opening: { readonly stream: Promise<Duplex>; readonly abort: AbortController } | undefined;
  #openedAt = -Infinity;

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock;
  }

  /** Opens a connection, unless a recent one exists. Replaces an old one. */
  prepare(dial: (signal: AbortSignal) => Promise<Duplex>): void {
    if (this.#opening !== undefined && !this.#isOld()) return;
    this.discard();
    const abort = new AbortController();
    const stream = dial(abort.signal);
    const opening = { stream, abort };
    this.#opening = opening;
    this.#openedAt = this.#wallClock.unixMilliseconds();
    const drop = (): void => {
      if (this.#opening === opening) this.discard();
    };
    stream.then((opened) => {
      opened.on('error', drop).once('close', drop);
      // The other end closed the connection, or sent unexpected data.
      opened.once('readable', drop);
    }, drop);
  }

  /**
   * Gives the connection to the caller; undefined if none exists.
   *
   * @param signal aborts a connection that is still being opened
   */
  take(signal?: AbortSignal): Promise<Duplex> | undefined {
    const opening = this.#opening;
    if (opening === undefined) return undefined;
    if (this.#isOld()) {
      this.discard();
      return undefined;
    }
    this.#opening = undefined;
    const stream = opening.stream.then((opened) => opened.removeAllListeners('readable'));
    return whileWaiting(stream, signal, () => opening.abort.abort(abortReason(signal)));
  }

  /** Closes the connection if no request has taken it. */
  discard(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening === undefined) return;
    opening.abort.abort(new Error('the spare connection was not used'));
    opening.stream.then(
      (stream) => stream.destroy(),
      () => undefined,
    );
  }

  #isOld(): boolean {
    const age = this.#wallClock.unixMilliseconds() - this.#openedAt;
    return !(age >= 0 && age < LIFE);
  }
}
