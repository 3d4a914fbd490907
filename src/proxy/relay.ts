/**
 * Two streams as one: what comes from either goes to the other, no faster than that takes it.
 *
 * Invariant: an end in order is passed on as an end and leaves the other direction open; whatever
 * else ends a stream resets the other one, so that a part never looks like the whole.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { resetConnection } from './reset.js';
import { Watchdog } from './watchdog.js';

export interface RelayLimits {
  /**
   * Milliseconds without a byte either way. RFC 5382 5, REQ-5, wants 2 h 4 min of a NAT, as TCP's
   * keepalives are two hours apart.
   */
  readonly idleTimeout: number;
  /** The same once one direction has ended: nobody is left to send a keepalive for it. */
  readonly halfClosedTimeout: number;
}

export const RELAY_LIMITS: RelayLimits = {
  idleTimeout: 124 * 60_000,
  halfClosedTimeout: 15 * 60_000,
};

export class Relay {
  readonly #streams: readonly [Duplex, Duplex];
  readonly #limits: RelayLimits;
  readonly #onOver: () => void;
  readonly #watchdog = new Watchdog(() => this.abort());
  readonly #inOrder = new Set<Duplex>();
  readonly #received = new Map<Duplex, number>();
  #open = 2;
  #limit: number;

  /**
   * Starts at once; the streams are the relay's from now on, with what waits in them to be read.
   *
   * @param onOver called once, when both are closed
   */
  constructor(client: Duplex, target: Duplex, onOver: () => void, limits = RELAY_LIMITS) {
    this.#streams = [client, target];
    this.#onOver = onOver;
    this.#limits = limits;
    this.#limit = limits.idleTimeout;
    this.#watchdog.arm(this.#limit);
    this.#watch(client, target);
    this.#watch(target, client);
    client.pipe(target);
    target.pipe(client);
    // A stream that was gone before tells no more of it.
    if (client.destroyed) this.#reset(target);
    if (target.destroyed) this.#reset(client);
  }

  /** Bytes that have come from a stream so far. */
  receivedFrom(stream: Duplex): number {
    return this.#received.get(stream) ?? 0;
  }

  /** Resets both. */
  abort(): void {
    for (const stream of this.#streams) this.#reset(stream);
  }

  #watch(stream: Duplex, other: Duplex): void {
    stream.on('data', (chunk: Uint8Array) => {
      this.#received.set(stream, this.receivedFrom(stream) + chunk.length);
      this.#watchdog.arm(this.#limit);
    });
    stream.once('end', () => {
      this.#inOrder.add(stream);
      this.#limit = this.#limits.halfClosedTimeout;
      this.#watchdog.arm(this.#limit);
    });
    stream.on('error', () => this.#reset(other));
    if (stream.destroyed) this.#closed();
    else {
      stream.once('close', () => {
        if (!this.#inOrder.has(stream) || !stream.writableFinished) this.#reset(other);
        this.#closed();
      });
    }
  }

  #closed(): void {
    this.#open--;
    if (this.#open > 0) return;
    this.#watchdog.stop();
    this.#onOver();
  }

  #reset(stream: Duplex): void {
    if (stream.destroyed) return;
    if (stream instanceof Socket) resetConnection(stream);
    else stream.destroy(new Error('the other side of the relay was lost'));
  }
}

/**
 * Lets a stream tell that it was lost, before there is anybody to read from it. What it has to say
 * waits inside of it, as far as there is room, and so does its end.
 *
 * @returns ends the watch, for the one who reads
 */
export function watchUnread(stream: Duplex): () => void {
  const onReadable = (): void => undefined;
  stream.on('readable', onReadable);
  return () => stream.off('readable', onReadable);
}
