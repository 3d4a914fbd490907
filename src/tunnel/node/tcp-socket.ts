/** A netstack connection with the API of node:net's Socket. */
import type { KeepAlive } from '../../engine/netstack-engine.js';
import { addressInfo, type AddressInfo, type FamilyName } from '../names/address-info.js';
import { type ConnectionHost, ConnectionStream } from './connection-stream.js';
import type { DialledConnection, PeerLink } from './dialled-connection.js';
import type { KeepableStream } from '../../proxy/dialer.js';
import { AnswerWatch } from '../answer-watch.js';
import { IdleTimer } from '../idle-timer.js';
import { writeError } from './node-errors.js';
import { closingTunnel } from '../server/route.js';

export type { TcpInfo } from '../../engine/netstack-engine.js';

/** libuv's keepalive settings, in milliseconds and number of probes. */
const KEEPALIVE = { idle: 7_200_000, interval: 1_000, count: 10 };

export interface TcpSocketOptions {
  /** Whether this side can send after the peer has sent FIN; defaults to true. */
  readonly allowHalfOpen?: boolean;
}

export class TcpSocket extends ConnectionStream implements KeepableStream {
  /** Used to abort the dial in progress. */
  #dialling: AbortController | undefined;
  #noDelay: boolean | undefined;
  #keepAlive: KeepAlive | undefined;
  #timeout: number | undefined;
  #link: PeerLink | undefined;
  #answerWatch: AnswerWatch | undefined;
  readonly #idle: IdleTimer;

  constructor(host: ConnectionHost, { allowHalfOpen = true }: TcpSocketOptions = {}) {
    super(host, allowHalfOpen);
    this.#idle = new IdleTimer(host, () => this.emit('timeout'));
    if (!allowHalfOpen) this.once('end', () => this.#refuseWrites());
  }

  /**
   * Connects through `dial`, then emits 'connect' and 'ready', or 'error'. Earlier writes wait for
   * the connection.
   *
   * @param dial opens the connection; its signal aborts when this socket is destroyed
   */
  connectBy(dial: (signal: AbortSignal) => Promise<DialledConnection>): void {
    this.#dialling = new AbortController();
    dial(this.#dialling.signal).then(
      // Call outside the promise, so that an exception in a listener does not become a rejection.
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

  override takeOver(dialled: DialledConnection): void {
    this.#link = dialled.link;
    super.takeOver(dialled);
  }

  /** See KeepableStream. */
  get isQuiet(): boolean {
    const { connection } = this;
    if (connection?.state !== 'ESTABLISHED' || this.#link?.isCurrent() !== true) return false;
    return connection.readableBytes === 0 && this.unacknowledgedBytes === 0;
  }

  /** See KeepableStream. */
  get segmentSize(): number {
    return this.connection?.segmentSize ?? 0;
  }

  /** See KeepableStream. */
  get isUnacknowledged(): boolean {
    return this.unacknowledgedBytes > 0;
  }

  /** See KeepableStream. */
  get provesUnread(): boolean {
    return this.connection?.provesUnread === true;
  }

  /** See KeepableStream. */
  get unreadDoubt(): string | undefined {
    return this.connection?.unreadDoubt;
  }

  /** See KeepableStream. */
  expectAnswer(): void {
    const link = this.#link;
    if (link === undefined || this.destroyed) return;
    this.#answerWatch ??= new AnswerWatch(
      {
        isUnacknowledged: () => this.isUnacknowledged,
        received: link.received,
        suspect: link.suspect,
        giveUp: () => void this.destroy(link.silenceError()),
      },
      this.host,
    );
    this.#answerWatch.expectAnswer();
  }

  /** See KeepableStream. */
  idleBegins(): void {
    this.connection?.idleBegins();
    this.host.schedule();
  }

  /** See KeepableStream. */
  idleEnds(duration: number): void {
    this.connection?.idleEnds(duration);
  }

  /** See KeepableStream. */
  abandon(): void {
    this.connection?.abandon();
    this.destroy();
  }

  /** Whether the connection is not yet established. */
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

  /** Returns the local address and port; empty before the connection exists. */
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

  /** The timeout in milliseconds that setTimeout() has set. */
  get timeout(): number | undefined {
    return this.#timeout;
  }

  /**
   * Emits 'timeout' after `timeout` ms without traffic, without closing the socket; 0 for never.
   */
  setTimeout(timeout: number, handler?: () => void): this {
    this.#timeout = timeout;
    this.#idle.start(timeout);
    if (handler !== undefined) {
      if (timeout === 0) this.off('timeout', handler);
      else this.once('timeout', handler);
    }
    return this;
  }

  /**
   * Sets whether small segments are sent immediately, which is the default here but not in
   * node:net.
   */
  setNoDelay(noDelay = true): this {
    this.#noDelay = noDelay;
    this.connection?.setNoDelay(noDelay);
    if (this.connection !== undefined) this.host.schedule();
    return this;
  }

  /**
   * Starts or stops probing an idle peer.
   *
   * @param initialDelay milliseconds of silence before the first probe; 0 means two hours
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

  /** Destroys the stream after all written data has been passed to TCP. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Does nothing, because the tunnel keeps the process alive. */
  ref(): this {
    return this;
  }

  /** Does nothing, because the tunnel keeps the process alive. */
  unref(): this {
    return this;
  }

  /** Resets the connection or aborts the dial in progress; the stream fails with ECONNABORTED. */
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
    this.#answerWatch?.stop();
    super._destroy(error, done);
  }

  protected override handleActivity(): void {
    this.#idle.touch();
  }

  /** Makes writes fail with EPIPE after both sides have ended, as on a system socket. */
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

  /** Passes to 'close' listeners whether an error was the reason, as node:net does. */
  override emit(event: string | symbol, ...values: unknown[]): boolean {
    if (event === 'close') return super.emit('close', this.errored !== null);
    return super.emit(event, ...values);
  }
}
