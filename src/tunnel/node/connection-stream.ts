/** A netstack connection as a Duplex stream, with half-close and back-pressure. */
import { Duplex } from 'node:stream';

import type { TcpConnection, TcpInfo, TcpObserver } from '../../engine/netstack-engine.js';
import { addressInfo } from '../names/address-info.js';
import type { CloseReason, DialledConnection } from './dialled-connection.js';
import { closeError } from './node-errors.js';
import type { Clock, Timer } from '../../ports/clock.js';

/** The maximum number of bytes to read from the connection for one push. */
const READ_SIZE = 64 * 1024;

/** The parts of the driver that the stream uses. */
export interface ConnectionHost extends Pick<Clock, 'now' | 'startTimer'> {
  schedule(): void;
  /** Calls `handler` once, after the engine has processed a batch and before it replies. */
  beforeDrain(handler: () => void): void;
}

/**
 * How long, in milliseconds, a connection without a stream waits for the peer's FIN. RFC 9293 does
 * not limit FIN-WAIT-2; this is Linux's limit for such connections (tcp_fin_timeout).
 */
const ORPHAN_TIMEOUT = 60_000;

/**
 * A stream that differs from node:net's in one way: destroy() before end() resets the connection,
 * so that the peer cannot mistake truncated data for complete data.
 */
export class ConnectionStream extends Duplex {
  protected readonly host: ConnectionHost;
  #connection: TcpConnection | undefined;
  #closed = false;
  #wantsData = false;
  #sawEnd = false;
  #isPumpDue = false;
  #pending: { rest: Uint8Array; taken: number; done: (error?: Error | null) => void } | undefined;
  #orphanTimer: Timer | undefined;
  #onOver: (() => void) | undefined;
  #mustReset = false;
  #allocate = allocate;
  #bytesRead = 0;
  #bytesTaken = 0;

  constructor(host: ConnectionHost, allowHalfOpen: boolean) {
    super({
      allowHalfOpen,
      readableHighWaterMark: READ_SIZE,
      writableHighWaterMark: READ_SIZE,
    });
    this.host = host;
  }

  /** The observer to pass to the netstack when calling attach(). */
  readonly observer: TcpObserver = {
    established: () => undefined,
    readable: () => this.#pumpSoon(),
    writable: () => this.#flush(),
    remoteClosed: () => {
      this.#sawEnd = true;
      this.#pumpSoon();
    },
    closed: (reason) => this.#handleClosed(reason),
  };

  /** Binds the stream to its connection, once. */
  attach(connection: TcpConnection): void {
    this.#connection = connection;
  }

  /**
   * Takes over a connection, which proceed() then continues. The stream fails if the connection is
   * already lost.
   */
  takeOver({ connection, hasEnded, closed }: DialledConnection): void {
    // This side has not sent its FIN yet, so a closed connection did not end normally.
    if (closed !== undefined && closed !== 'normal') {
      this.#fail(closed, connection);
      return;
    }
    this.#connection = connection;
    connection?.observe(this.observer);
    this.#sawEnd = hasEnded;
  }

  /** Calls `handler` once, after both the stream and its connection have ended. */
  onceOver(handler: () => void): void {
    this.#onOver = handler;
  }

  protected get connection(): TcpConnection | undefined {
    return this.#connection;
  }

  /** Sends data that was written before the connection existed, and reads received data. */
  protected proceed(): void {
    this.#flush();
    this.#pump();
  }

  /** Called when bytes were sent or received. */
  protected handleActivity(): void {
    // Empty here; a subclass may override this method.
  }

  /**
   * Returns the data that `ss -ti` shows, even after the connection has ended; undefined before the
   * connection exists.
   */
  info(): TcpInfo | undefined {
    return this.#connection?.info();
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** The number of bytes written, including those not yet accepted. */
  get bytesWritten(): number {
    return this.#bytesTaken + this.#waitingBytes();
  }

  /** The number of written bytes that the peer has not acknowledged. */
  get unacknowledgedBytes(): number {
    return this.#waitingBytes() + (this.#connection?.unacknowledgedBytes ?? 0);
  }

  /** The number of written bytes that the connection has not accepted. */
  #waitingBytes(): number {
    // The stream counts a chunk as waiting until the whole chunk is accepted.
    return this.writableLength - (this.#pending?.taken ?? 0);
  }

  /**
   * Whether the peer has acknowledged all written data, and the FIN if the program has ended the
   * stream.
   */
  get isDelivered(): boolean {
    if (this.#closed) return true;
    const isAborted = this.destroyed && !this.writableFinished;
    if (isAborted || this.#connection === undefined) return isAborted || !this.#hasSomethingToSay();
    if (this.unacknowledgedBytes > 0) return false;
    return !this.writableEnded || (this.writableFinished && !hasFinOnItsWay(this.#connection));
  }

  #hasSomethingToSay(): boolean {
    return this.writableEnded || this.writableLength > 0;
  }

  /** Whether the peer has acknowledged this side's FIN, but not sent its own. */
  get awaitsEnd(): boolean {
    return !this.#closed && this.#connection?.state === 'FIN-WAIT-2';
  }

  /** Ends the connection with RST; the stream fails with ECONNABORTED. */
  abort(): void {
    this.#connection?.abort(this.host.now());
    this.host.schedule();
  }

  /** Ends the connection with RST, in any state. */
  resetAndDestroy(): this {
    this.#mustReset = true;
    this.destroy();
    return this;
  }

  override _read(): void {
    this.#wantsData = true;
    this.#pump();
  }

  /**
   * Copies as many of the bytes as the connection accepts now, without the stream's queue, and
   * returns their number; 0 while bytes of write() are waiting.
   */
  writeNow(bytes: Uint8Array): number {
    if (this.#closed || this.destroyed || this.writableEnded || this.writableLength > 0) return 0;
    return this.#send(bytes);
  }

  /** Sets the function that returns memory for each later chunk; `count` is the chunk's length. */
  lend(allocateFor: (count: number) => Buffer): void {
    this.#allocate = allocateFor;
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
    if (!this.#closed) this.#connection?.shutdown();
    this.host.schedule();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // If the stream ended in both directions, the connection closes normally. Any other connection
    // is reset, so that the peer cannot mistake truncated data for complete data.
    if (!this.#closed && (this.#mustReset || !(this.writableFinished && this.#sawEnd))) {
      if (this.#mustReset || error !== null || !this.writableFinished)
        this.#connection?.abort(this.host.now());
      else this.#orphan();
      this.host.schedule();
    }
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.done(error ?? new Error('The stream was destroyed.'));
    done(error);
    if (this.#closed || this.#connection === undefined) this.#tellOver();
  }

  #tellOver(): void {
    this.#onOver?.();
    this.#onOver = undefined;
  }

  /** Waits a limited time for the peer's FIN, after this side has finished both directions. */
  #orphan(): void {
    this.#discardRest();
    this.#orphanTimer = this.host.startTimer(ORPHAN_TIMEOUT, () => {
      this.#connection?.abort(this.host.now());
      this.host.schedule();
    });
  }

  /** Reads and discards any further data. */
  #discardRest(): void {
    while (this.#connection?.receive(READ_SIZE, this.host.now(), allocate) !== undefined);
  }

  /**
   * Combines the segments of one batch into one chunk, so that a client is written to only once.
   */
  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    this.host.beforeDrain(this.#pumpNow);
  }

  // One function for all batches of a connection.
  readonly #pumpNow = () => this.#pump();

  #pump(): void {
    this.#isPumpDue = false;
    if (this.#connection === undefined) return;
    if (this.destroyed) {
      if (!this.#closed) this.#discardRest();
      return;
    }
    let took = false;
    while (this.#wantsData) {
      const bytes = this.#connection.receive(READ_SIZE, this.host.now(), this.#allocate);
      if (bytes === undefined) break;
      took = true;
      this.#bytesRead += bytes.length;
      this.#wantsData = this.push(bytes);
    }
    if (took) {
      this.handleActivity();
      this.host.schedule();
    }
    if (this.#wantsData && this.#sawEnd && this.#connection.readableBytes === 0) {
      this.#wantsData = false;
      this.push(null);
    }
  }

  /** Passes bytes to the connection, if there is one, and returns the number that it accepts. */
  #send(bytes: Uint8Array): number {
    const taken = this.#connection?.send(bytes) ?? 0;
    if (taken > 0) {
      this.#bytesTaken += taken;
      this.handleActivity();
      this.host.schedule();
    }
    return taken;
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#connection === undefined || this.#closed) return;
    const taken = this.#send(pending.rest);
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
    if (reason === 'normal') this.#sawEnd = true;
    if (reason === 'normal' || this.#isPumpDue) this.#pump();
    if (this.destroyed) this.#tellOver();
    if (this.destroyed || reason === 'normal') return;
    this.#fail(reason, this.#connection);
  }

  #fail(reason: Exclude<CloseReason, 'normal'>, connection: TcpConnection | undefined): void {
    const remote = connection && addressInfo(connection.remote);
    this.destroy(closeError(reason, remote?.address, remote?.port));
  }
}

/** Whether a FIN was sent or is due, but has not been acknowledged. */
function hasFinOnItsWay({ state }: TcpConnection): boolean {
  return state === 'FIN-WAIT-1' || state === 'CLOSING' || state === 'LAST-ACK';
}

/**
 * Allocates memory without filling it with zeros. It is not a part of Node's pool, so that a user of
 * `chunk.buffer` gets only this chunk, as with node:net.
 */
function allocate(count: number): Buffer {
  return Buffer.allocUnsafeSlow(count);
}
