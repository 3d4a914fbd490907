/** A connection of the netstack as a Duplex, with half-close and back-pressure. */
import { Duplex } from 'node:stream';

import type { TcpConnection, TcpInfo, TcpObserver } from '../../engine/netstack-engine.js';
import { addressInfo } from '../names/address-info.js';
import type { CloseReason, DialledConnection } from './dialled-connection.js';
import { closeError } from './node-errors.js';
import type { Clock, Timer } from '../../ports/clock.js';

/** The bytes taken from the connection for one push. */
const READ_SIZE = 64 * 1024;

/** What the stream needs of the driver that runs its connection. */
export interface ConnectionHost extends Pick<Clock, 'now' | 'startTimer'> {
  schedule(): void;
  /** Calls `handler` once, after the engine has taken all that a batch brought, before it answers. */
  beforeDrain(handler: () => void): void;
}

/**
 * How long a connection whose stream is gone may wait for the other side's FIN. RFC 9293 would let
 * FIN-WAIT-2 last for ever; this is what Linux gives an orphan (tcp_fin_timeout).
 */
const ORPHAN_TIMEOUT = 60_000;

/**
 * It differs from a stream of node:net in one thing: destroy() before end() resets the connection, so
 * that the peer cannot take a cut-off stream for a whole one.
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

  /** The observer to hand to the netstack together with attach(). */
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

  /** Takes over a connection; proceed() goes on with it. One that was lost meanwhile fails the stream. */
  takeOver({ connection, hasEnded, closed }: DialledConnection): void {
    // Nobody has ended our side yet, so it is not over in the normal way.
    if (closed !== undefined && closed !== 'normal') {
      this.#fail(closed, connection);
      return;
    }
    this.#connection = connection;
    connection?.observe(this.observer);
    this.#sawEnd = hasEnded;
  }

  /** Calls `handler` once, when neither the stream nor its connection is there any more. */
  onceOver(handler: () => void): void {
    this.#onOver = handler;
  }

  /** Undefined before it is there. */
  protected get connection(): TcpConnection | undefined {
    return this.#connection;
  }

  /** Hands over what has been written meanwhile, and takes what has come. */
  protected proceed(): void {
    this.#flush();
    this.#pump();
  }

  /** Called when bytes have gone either way. */
  protected handleActivity(): void {
    // A subclass may want to know.
  }

  /** What `ss -ti` shows of the connection, also after its end; undefined before it is there. */
  info(): TcpInfo | undefined {
    return this.#connection?.info();
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Bytes written, those that wait included. */
  get bytesWritten(): number {
    return this.#bytesTaken + this.#waitingBytes;
  }

  /** Bytes written, or waiting to be, that the other side has not acknowledged. */
  get unacknowledgedBytes(): number {
    return this.#waitingBytes + (this.#connection?.unacknowledgedBytes ?? 0);
  }

  /** Bytes that the connection has not taken. */
  get #waitingBytes(): number {
    // Until the whole of a chunk is taken, the stream counts all of it as waiting.
    return this.writableLength - (this.#pending?.taken ?? 0);
  }

  /** Whether all that was written has been acknowledged, and our end with it where there is one. */
  get isDelivered(): boolean {
    if (this.#closed) return true;
    const isAborted = this.destroyed && !this.writableFinished;
    if (isAborted || this.#connection === undefined) return isAborted || !this.#hasSomethingToSay;
    if (this.unacknowledgedBytes > 0) return false;
    return !this.writableEnded || (this.writableFinished && !hasFinOnItsWay(this.#connection));
  }

  get #hasSomethingToSay(): boolean {
    return this.writableEnded || this.writableLength > 0;
  }

  /** Whether we have ended, the other side knows it, and has not ended yet. */
  get awaitsEnd(): boolean {
    return !this.#closed && this.#connection?.state === 'FIN-WAIT-2';
  }

  /** Ends the connection with RST; the stream fails with ECONNABORTED. */
  abort(): void {
    this.#connection?.abort(this.host.now());
    this.host.schedule();
  }

  /** Ends the connection with RST, whatever state it is in. */
  resetAndDestroy(): this {
    this.#mustReset = true;
    this.destroy();
    return this;
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
    if (!this.#closed) this.#connection?.shutdown();
    this.host.schedule();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // A stream that ended both ways leaves its connection to finish by itself; any other is reset,
    // so that the peer cannot take a cut-off stream for a whole one.
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

  /** We have said all and will read no more; the other side has a while to end, too. */
  #orphan(): void {
    this.#discardRest();
    this.#orphanTimer = this.host.startTimer(ORPHAN_TIMEOUT, () => {
      this.#connection?.abort(this.host.now());
      this.host.schedule();
    });
  }

  /** What still comes is taken and thrown away. */
  #discardRest(): void {
    while (this.#connection?.receive(READ_SIZE, this.host.now()) !== undefined);
  }

  /** The segments of one batch become one chunk, and so one write to a local client. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    this.host.beforeDrain(() => this.#pump());
  }

  #pump(): void {
    this.#isPumpDue = false;
    if (this.#connection === undefined) return;
    if (this.destroyed) {
      if (!this.#closed) this.#discardRest();
      return;
    }
    let took = false;
    while (this.#wantsData) {
      const bytes = this.#connection.receive(READ_SIZE, this.host.now());
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

  #flush(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#connection === undefined || this.#closed) return;
    const taken = this.#connection.send(pending.rest);
    if (taken > 0) {
      this.#bytesTaken += taken;
      this.handleActivity();
      this.host.schedule();
    }
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

/** Whether we have sent FIN, or are about to, and it has not been acknowledged. */
function hasFinOnItsWay({ state }: TcpConnection): boolean {
  return state === 'FIN-WAIT-1' || state === 'CLOSING' || state === 'LAST-ACK';
}
