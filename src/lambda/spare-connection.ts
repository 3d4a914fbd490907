/**
 * A connection that is opened when an invocation begins, for the request that the function is about to
 * make: that then takes one round trip and not two (docs/decisions/0015-a-connection-ahead.md).
 */
import type { Duplex } from 'node:stream';

import type { WallClock } from '../ports/clock.js';
import { abortReason } from '../lib/errors/error-message.js';
import { whileWaiting } from '../lib/waits.js';

/** Older ones, in ms by the wall clock, may have been given up by their other end, unheard in a freeze. */
const LIFE = 5_000;

export class SpareConnection {
  readonly #wallClock: WallClock;
  #opening: { readonly stream: Promise<Duplex>; readonly abort: AbortController } | undefined;
  #openedAt = -Infinity;

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock;
  }

  /** Opens one in the place of an old one; one that is young stays. */
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
      // Its other end has ended it, or has said something unasked.
      opened.once('readable', drop);
    }, drop);
  }

  /**
   * The connection, which is the caller's now; undefined where there is none.
   *
   * @param signal ends its opening, where that is not over
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

  /** Ends what nobody has taken. */
  discard(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening === undefined) return;
    opening.abort.abort(new Error('nobody has asked for it'));
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
