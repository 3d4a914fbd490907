/**
 * Relays two streams in both directions with back-pressure.
 *
 * If one stream ends cleanly, the end is forwarded and the other direction stays open. Any other
 * end resets the other stream, so that partial data never looks complete.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { onceCleanlyEnded } from './clean-end.js';
import { isLending, pipeLent } from './pipe-lent.js';
import { type ImmediateSink, pipeSocket } from './pipe-socket.js';
import { resetStream } from '../reset.js';
import { Watchdog } from '../watchdog.js';

/** The limits of a relay, in milliseconds. */
export const RELAY_LIMITS = {
  /**
   * The timeout without a byte in either direction. RFC 5382 5, REQ-5, requires NATs to wait 2 h
   * 4 min, because TCP keepalives are two hours apart.
   */
  idleTimeout: 124 * 60_000,
  /**
   * The timeout after one direction has ended, because the side that has ended stops sending
   * keepalives.
   */
  halfClosedTimeout: 15 * 60_000,
};

/** Called with each stream's bytes, when they are read. */
export type OnBytes = (from: Duplex, count: number) => void;

export class Relay {
  readonly #streams: readonly [Duplex, Duplex];
  readonly #onOver: () => void;
  readonly #onBytes: OnBytes | undefined;
  readonly #watchdog = new Watchdog(() => this.abort());
  readonly #inOrder = new Set<Duplex>();
  readonly #received = new Map<Duplex, number>();
  #open = 2;
  #limit = RELAY_LIMITS.idleTimeout;

  /**
   * Starts immediately. From then on, the relay owns the streams, including their unread bytes.
   *
   * @param onOver called once, when both streams are closed
   */
  constructor(client: Duplex, target: Duplex, onOver: () => void, onBytes?: OnBytes) {
    this.#streams = [client, target];
    this.#onOver = onOver;
    this.#onBytes = onBytes;
    this.#watchdog.arm(this.#limit);
    this.#watch(client, target);
    this.#watch(target, client);
    this.#pass(client, target);
    this.#pass(target, client);
    // Check for destroyed streams, because they do not emit any more events.
    if (client.destroyed) this.#reset(target);
    if (target.destroyed) this.#reset(client);
  }

  receivedFrom(stream: Duplex): number {
    return this.#received.get(stream) ?? 0;
  }

  abort(): void {
    for (const stream of this.#streams) this.#reset(stream);
  }

  #pass(from: Duplex, to: Duplex): void {
    const count = (bytes: number): void => {
      this.#received.set(from, this.receivedFrom(from) + bytes);
      this.#watchdog.arm(this.#limit);
      this.#onBytes?.(from, bytes);
    };
    if (from instanceof Socket && isImmediate(to)) {
      pipeSocket(from, to, count);
      return;
    }
    if (isLending(from) && to instanceof Socket) {
      pipeLent(from, to, count);
      return;
    }
    from.on('data', (chunk: Uint8Array) => count(chunk.length));
    from.pipe(to, { end: false });
  }

  #watch(stream: Duplex, other: Duplex): void {
    onceCleanlyEnded(stream, () => {
      this.#inOrder.add(stream);
      other.end();
      this.#limit = RELAY_LIMITS.halfClosedTimeout;
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
    resetStream(stream, 'the other side of the relay has disconnected');
  }
}

function isImmediate(stream: Duplex): stream is ImmediateSink {
  return 'writeNow' in stream;
}

/**
 * Makes a stream without a reader report a lost connection. The stream's data and end stay
 * buffered, up to the stream's limit.
 * @returns a function that stops watching; the reader must call it
 */
export function watchUnread(stream: Duplex): () => void {
  const onReadable = (): void => undefined;
  stream.on('readable', onReadable);
  return () => stream.off('readable', onReadable);
}
