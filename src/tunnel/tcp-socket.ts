/** A connection of the netstack as node:net's Socket is one of the system's. */
import { Duplex } from 'node:stream';

import type { KeepAlive, TcpConnection, TcpInfo, TcpObserver } from '../engine/netstack-engine.js';
import { addressInfo, type AddressInfo, type FamilyName } from './address-info.js';
import { IdleTimer } from './idle-timer.js';
import { closeError, writeError } from './node-errors.js';
import type { Timer } from './ports.js';

export type { TcpInfo } from '../engine/netstack-engine.js';

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

/** What libuv tells the system, where a program asks for keepalives. */
const KEEPALIVE = { idle: 7_200_000, interval: 1_000, count: 10 };

export interface TcpSocketOptions {
  /** Whether our direction stays open when the other side has ended its own; it does by default. */
  readonly allowHalfOpen?: boolean;
}

/**
 * A stream with half-close and back-pressure. It differs from node:net's in one thing: destroy()
 * before end() resets the connection, so that the peer cannot take a cut-off stream for a whole one.
 */
export class TcpSocket extends Duplex {
  readonly #host: TcpSocketHost;
  #connection: TcpConnection | undefined;
  #closed = false;
  #wantsData = false;
  #sawEnd = false;
  #pending: { rest: Uint8Array; taken: number; done: (error?: Error | null) => void } | undefined;
  #orphanTimer: Timer | undefined;
  #onSettled: ((reason?: CloseReason) => void) | undefined;
  /** Ends the dial that is under way. */
  #dialling: AbortController | undefined;
  /** The socket that has taken over the connection of this one. */
  #successor: TcpSocket | undefined;
  #mustReset = false;
  #bytesRead = 0;
  #bytesTaken = 0;
  #noDelay: boolean | undefined;
  #keepAlive: KeepAlive | undefined;
  #timeout: number | undefined;
  readonly #idle: IdleTimer;

  constructor(host: TcpSocketHost, { allowHalfOpen = true }: TcpSocketOptions = {}) {
    super({
      allowHalfOpen,
      readableHighWaterMark: READ_SIZE,
      writableHighWaterMark: READ_SIZE,
    });
    this.#host = host;
    this.#idle = new IdleTimer(host, () => this.emit('timeout'));
    if (!allowHalfOpen) this.once('end', () => this.#refuseWrites());
  }

  /** The observer to hand to the netstack together with attach(). */
  readonly observer: TcpObserver = {
    established: () => this.#onSettled?.(),
    readable: () => this.#current.#pump(),
    writable: () => this.#current.#flush(),
    remoteClosed: () => {
      this.#current.#sawEnd = true;
      this.#current.#pump();
    },
    closed: (reason) => this.#current.#handleClosed(reason),
  };

  get #current(): TcpSocket {
    return this.#successor ?? this;
  }

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

  /**
   * Connects as `dial` says; 'connect' and 'ready' follow, or 'error'. What is written meanwhile
   * waits.
   *
   * @param dial gives a socket that nobody has used; the signal fires when this one is destroyed
   */
  connectBy(dial: (signal: AbortSignal) => Promise<TcpSocket>): void {
    this.#dialling = new AbortController();
    dial(this.#dialling.signal).then(
      // Out of the promise: what a listener throws is not a rejection.
      (dialled) => process.nextTick(() => this.#adopt(dialled)),
      (error: unknown) => this.destroy(error as Error),
    );
  }

  /** Takes over the connection of a socket, with what has come of it. */
  #adopt(dialled: TcpSocket): void {
    const broken = dialled.errored;
    if (this.destroyed || broken !== null) {
      dialled.destroy();
      if (broken !== null) this.destroy(broken);
      return;
    }
    dialled.#successor = this;
    this.#connection = dialled.#connection;
    this.#sawEnd = dialled.#sawEnd;
    this.#closed = dialled.#closed;
    this.#dialling = undefined;
    if (this.#noDelay !== undefined) this.setNoDelay(this.#noDelay);
    if (this.#keepAlive !== undefined) this.#applyKeepAlive();
    this.#idle.touch();
    this.emit('connect');
    this.emit('ready');
    this.#flush();
    this.#pump();
  }

  /** Whether the connection is not there yet. */
  get connecting(): boolean {
    return this.#dialling !== undefined && !this.destroyed;
  }

  get pending(): boolean {
    return this.#connection === undefined;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** Our end; empty before the connection is there. */
  address(): AddressInfo | Record<string, never> {
    return this.#connection === undefined ? {} : addressInfo(this.#connection.local);
  }

  get localAddress(): string | undefined {
    return this.address().address;
  }

  get localPort(): number | undefined {
    return this.#connection?.local.port;
  }

  get localFamily(): FamilyName | undefined {
    return this.address().family;
  }

  get remoteAddress(): string | undefined {
    return this.#connection && addressInfo(this.#connection.remote).address;
  }

  get remotePort(): number | undefined {
    return this.#connection?.remote.port;
  }

  get remoteFamily(): FamilyName | undefined {
    return this.#connection && addressInfo(this.#connection.remote).family;
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
    return this.#bytesTaken + this.writableLength - (this.#pending?.taken ?? 0);
  }

  /** The milliseconds of setTimeout(). */
  get timeout(): number | undefined {
    return this.#timeout;
  }

  /** After `timeout` ms without a byte either way, 'timeout' comes, and nothing else; 0 for never. */
  setTimeout(timeout: number, handler?: () => void): this {
    this.#timeout = timeout;
    this.#idle.start(timeout);
    if (handler !== undefined) {
      if (timeout === 0) this.off('timeout', handler);
      else this.once('timeout', handler);
    }
    return this;
  }

  /** Whether small segments leave at once. They do by default, unlike those of node:net. */
  setNoDelay(noDelay = true): this {
    this.#noDelay = noDelay;
    this.#connection?.setNoDelay(noDelay);
    if (this.#connection !== undefined) this.#host.schedule();
    return this;
  }

  /**
   * Probes an idle peer, or stops that.
   *
   * @param initialDelay ms of silence before the first probe; two hours where it is 0
   */
  setKeepAlive(isEnabled = false, initialDelay = 0): this {
    const idle = initialDelay > 0 ? initialDelay : KEEPALIVE.idle;
    this.#keepAlive = isEnabled ? { ...KEEPALIVE, idle } : undefined;
    this.#applyKeepAlive();
    return this;
  }

  #applyKeepAlive(): void {
    if (this.#connection === undefined || this.#closed) return;
    this.#connection.setKeepAlive(this.#keepAlive, this.#host.now());
    this.#host.schedule();
  }

  /** Destroys the stream as soon as all that was written is handed to TCP. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Ends the connection with RST, whatever state it is in. */
  resetAndDestroy(): this {
    this.#mustReset = true;
    this.destroy();
    return this;
  }

  /** Does nothing: it is the tunnel that keeps the process alive. */
  ref(): this {
    return this;
  }

  /** Does nothing: it is the tunnel that keeps the process alive. */
  unref(): this {
    return this;
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
    if (this.connecting) {
      this.once('connect', () => this._final(done));
      return;
    }
    if (!this.#closed) this.#connection?.shutdown(this.#host.now());
    this.#host.schedule();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // A stream that ended both ways leaves its connection to finish by itself; any other is reset,
    // so that the peer cannot take a cut-off stream for a whole one.
    this.#dialling?.abort();
    this.#idle.stop();
    if (!this.#closed && (this.#mustReset || !(this.writableFinished && this.#sawEnd))) {
      if (this.#mustReset || error !== null || !this.writableFinished)
        this.#connection?.abort(this.#host.now());
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
      this.#bytesRead += bytes.length;
      this.#wantsData = this.push(bytes);
    }
    if (took) {
      this.#idle.touch();
      this.#host.schedule();
    }
    if (this.#wantsData && this.#sawEnd && this.#connection.readableBytes === 0) {
      this.#wantsData = false;
      this.push(null);
    }
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#connection === undefined || this.#closed) return;
    const taken = this.#connection.send(pending.rest, this.#host.now());
    if (taken > 0) {
      this.#bytesTaken += taken;
      this.#idle.touch();
      this.#host.schedule();
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
    this.#onSettled?.(reason);
    if (reason === 'normal') {
      this.#sawEnd = true;
      this.#pump();
      return;
    }
    if (!this.destroyed) this.destroy(closeError(reason, this.remoteAddress, this.remotePort));
  }

  /** Both sides have ended: a write is now what it is to a socket of the system's, EPIPE. */
  #refuseWrites(): void {
    const write = this.write.bind(this);
    this.write = (chunk: unknown, ...rest: unknown[]) => {
      if (!this.writableEnded) return write(chunk, ...(rest as []));
      const error = writeError(this.remoteAddress, this.remotePort);
      const done = rest.find((value) => typeof value === 'function');
      if (done !== undefined) process.nextTick(done, error);
      this.destroy(error);
      return false;
    };
  }

  /** node:net tells with 'close' whether an error was the reason. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event === 'close') return super.emit('close', this.errored !== null);
    return super.emit(event, ...values);
  }
}
