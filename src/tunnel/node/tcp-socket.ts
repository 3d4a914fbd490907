/** A connection of the netstack as node:net's Socket is one of the system's. */
import type { KeepAlive } from '../../engine/netstack-engine.js';
import { addressInfo, type AddressInfo, type FamilyName } from '../names/address-info.js';
import { type ConnectionHost, ConnectionStream } from './connection-stream.js';
import type { DialledConnection } from './dialled-connection.js';
import { IdleTimer } from '../idle-timer.js';
import { writeError } from './node-errors.js';
import { closingTunnel } from '../server/route.js';

export type { TcpInfo } from '../../engine/netstack-engine.js';

/** What libuv tells the system, where a program asks for keepalives. */
const KEEPALIVE = { idle: 7_200_000, interval: 1_000, count: 10 };

export interface TcpSocketOptions {
  /** Whether our direction stays open when the other side has ended its own; it does by default. */
  readonly allowHalfOpen?: boolean;
}

export class TcpSocket extends ConnectionStream {
  /** Ends the dial that is under way. */
  #dialling: AbortController | undefined;
  #noDelay: boolean | undefined;
  #keepAlive: KeepAlive | undefined;
  #timeout: number | undefined;
  readonly #idle: IdleTimer;

  constructor(host: ConnectionHost, { allowHalfOpen = true }: TcpSocketOptions = {}) {
    super(host, allowHalfOpen);
    this.#idle = new IdleTimer(host, () => this.emit('timeout'));
    if (!allowHalfOpen) this.once('end', () => this.#refuseWrites());
  }

  /**
   * Connects as `dial` says; 'connect' and 'ready' follow, or 'error'. What is written meanwhile
   * waits.
   *
   * @param dial its signal fires when this socket is destroyed
   */
  connectBy(dial: (signal: AbortSignal) => Promise<DialledConnection>): void {
    this.#dialling = new AbortController();
    dial(this.#dialling.signal).then(
      // Out of the promise: what a listener throws is not a rejection.
      (dialled) => process.nextTick(() => this.#adopt(dialled)),
      (error: unknown) => this.destroy(error as Error),
    );
  }

  #adopt(dialled: DialledConnection): void {
    if (this.destroyed) {
      dialled.connection?.abort(this.host.now());
      this.host.schedule();
      return;
    }
    this.takeOver(dialled);
    if (this.connection === undefined) return;
    this.#dialling = undefined;
    if (this.#noDelay !== undefined) this.setNoDelay(this.#noDelay);
    if (this.#keepAlive !== undefined) this.#applyKeepAlive();
    this.#idle.touch();
    this.emit('connect');
    this.emit('ready');
    this.proceed();
  }

  /** Whether the connection is not there yet. */
  get connecting(): boolean {
    return this.#dialling !== undefined && !this.destroyed;
  }

  get pending(): boolean {
    return this.connection === undefined;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** Our end; empty before the connection is there. */
  address(): AddressInfo | Record<string, never> {
    return this.connection === undefined ? {} : addressInfo(this.connection.local);
  }

  get localAddress(): string | undefined {
    return this.address().address;
  }

  get localPort(): number | undefined {
    return this.connection?.local.port;
  }

  get localFamily(): FamilyName | undefined {
    return this.address().family;
  }

  get remoteAddress(): string | undefined {
    return this.connection && addressInfo(this.connection.remote).address;
  }

  get remotePort(): number | undefined {
    return this.connection?.remote.port;
  }

  get remoteFamily(): FamilyName | undefined {
    return this.connection && addressInfo(this.connection.remote).family;
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
    this.connection?.setNoDelay(noDelay);
    if (this.connection !== undefined) this.host.schedule();
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
    if (this.connection === undefined) return;
    this.connection.setKeepAlive(this.#keepAlive, this.host.now());
    this.host.schedule();
  }

  /** Destroys the stream as soon as all that was written is handed to TCP. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Does nothing: it is the tunnel that keeps the process alive. */
  ref(): this {
    return this;
  }

  /** Does nothing: it is the tunnel that keeps the process alive. */
  unref(): this {
    return this;
  }

  /** Ends the connection with RST, or the dial that is under way; the stream fails with ECONNABORTED. */
  override abort(): void {
    if (this.connecting) this.#dialling?.abort(closingTunnel());
    else super.abort();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.connecting) {
      this.once('connect', () => this._final(done));
      return;
    }
    super._final(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#dialling?.abort();
    this.#idle.stop();
    super._destroy(error, done);
  }

  protected override handleActivity(): void {
    this.#idle.touch();
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
