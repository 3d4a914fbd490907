/** A connection of the netstack as a Node stream: half-close, back-pressure, Node's error codes. */
import { Duplex } from 'node:stream';

import type { TcpConnection, TcpObserver } from '../engine/netstack-engine.js';
import type { Timer } from './ports.js';
import { formatIpAddress } from '../wire/ip-address.js';

/** The bytes taken from the connection for one push. */
const READ_SIZE = 64 * 1024;

type CloseReason = Parameters<TcpObserver['closed']>[0];

/** What the stream needs of the driver that runs its connection. */
export interface TcpSocketHost {
  now(): number;
  schedule(): void;
  startTimer(delay: number, handler: () => void): Timer;
}

/**
 * How long a connection whose stream is gone may wait for the other side's FIN. RFC 9293 would let
 * FIN-WAIT-2 last for ever; this is what Linux gives an orphan (tcp_fin_timeout).
 */
const ORPHAN_TIMEOUT = 60_000;

export class TcpSocket extends Duplex {
  readonly #host: TcpSocketHost;
  #connection: TcpConnection | undefined;
  #closed = false;
  #wantsData = false;
  #sawEnd = false;
  #pending: { rest: Uint8Array; taken: number; done: (error?: Error | null) => void } | undefined;
  #orphanTimer: Timer | undefined;
  #onSettled: ((reason?: CloseReason) => void) | undefined;

  constructor(host: TcpSocketHost) {
    super({
      allowHalfOpen: true,
      readableHighWaterMark: READ_SIZE,
      writableHighWaterMark: READ_SIZE,
    });
    this.#host = host;
  }

  /** The observer to hand to the netstack together with attach(). */
  readonly observer: TcpObserver = {
    established: () => this.#onSettled?.(),
    readable: () => this.#pump(),
    writable: () => this.#flush(),
    remoteClosed: () => {
      this.#sawEnd = true;
      this.#pump();
    },
    closed: (reason) => this.#handleClosed(reason),
  };

  /** Binds the stream to its connection, once. */
  attach(connection: TcpConnection): void {
    this.#connection = connection;
  }

  /** Calls `handler` once: without a reason when established, with it when closed before. */
  onceSettled(handler: (reason?: CloseReason) => void): void {
    this.#onSettled = (reason) => {
      this.#onSettled = undefined;
      handler(reason);
    };
  }

  get remoteAddress(): string | undefined {
    return this.#connection && formatIpAddress(this.#connection.remote.address);
  }

  get remotePort(): number | undefined {
    return this.#connection?.remote.port;
  }

  /** Bytes written, or waiting to be, that the other side has not acknowledged. */
  get unacknowledgedBytes(): number {
    // Until the whole of a chunk is taken, the stream counts all of it as waiting.
    const waiting = this.writableLength - (this.#pending?.taken ?? 0);
    return waiting + (this.#connection?.unacknowledgedBytes ?? 0);
  }

  override _read(): void {
    this.#wantsData = true;
    this.#pump();
  }

  override _write(
    chunk: Uint8Array,
    _encoding: string,
    done: (error?: Error | null) => void,
  ): void {
    this.#pending = { rest: chunk, taken: 0, done };
    this.#flush();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.#closed) this.#connection?.shutdown(this.#host.now());
    this.#host.schedule();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // A stream that ended both ways leaves its connection to finish by itself; any other is reset,
    // so that the peer cannot take a cut-off stream for a whole one.
    if (!this.#closed && !(this.writableFinished && this.#sawEnd)) {
      if (error !== null || !this.writableFinished) this.#connection?.abort(this.#host.now());
      else this.#orphan();
      this.#host.schedule();
    }
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.done(error ?? new Error('The stream was destroyed.'));
    done(error);
  }

  /** We have said all and will read no more; the other side has a while to end, too. */
  #orphan(): void {
    this.#discardRest();
    this.#orphanTimer = this.#host.startTimer(ORPHAN_TIMEOUT, () => {
      this.#connection?.abort(this.#host.now());
      this.#host.schedule();
    });
  }

  /** What still comes is taken and thrown away. */
  #discardRest(): void {
    while (this.#connection?.receive(READ_SIZE, this.#host.now()) !== undefined);
  }

  #pump(): void {
    if (this.#connection === undefined) return;
    if (this.destroyed) {
      if (!this.#closed) this.#discardRest();
      return;
    }
    let took = false;
    while (this.#wantsData) {
      const bytes = this.#connection.receive(READ_SIZE, this.#host.now());
      if (bytes === undefined) break;
      took = true;
      this.#wantsData = this.push(bytes);
    }
    if (took) this.#host.schedule();
    if (this.#wantsData && this.#sawEnd && this.#connection.readableBytes === 0) {
      this.#wantsData = false;
      this.push(null);
    }
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#connection === undefined || this.#closed) return;
    const taken = this.#connection.send(pending.rest, this.#host.now());
    if (taken > 0) this.#host.schedule();
    if (taken < pending.rest.length) {
      pending.rest = pending.rest.subarray(taken);
      pending.taken += taken;
      return;
    }
    this.#pending = undefined;
    pending.done();
  }

  #handleClosed(reason: CloseReason): void {
    this.#closed = true;
    this.#orphanTimer?.cancel();
    this.#onSettled?.(reason);
    if (reason === 'normal') {
      this.#sawEnd = true;
      this.#pump();
      return;
    }
    if (!this.destroyed) this.destroy(closeError(reason));
  }
}

const ERROR_OF: Record<Exclude<CloseReason, 'normal'>, readonly [code: string, text: string]> = {
  reset: ['ECONNRESET', 'the connection was reset by the other side'],
  refused: ['ECONNREFUSED', 'the connection was refused'],
  timeout: ['ETIMEDOUT', 'the other side has not answered in time'],
  unreachable: ['EHOSTUNREACH', 'the host cannot be reached'],
  aborted: ['ECONNABORTED', 'the connection was aborted'],
};

function closeError(reason: Exclude<CloseReason, 'normal'>): Error {
  const [code, text] = ERROR_OF[reason];
  return Object.assign(new Error(text), { code });
}
