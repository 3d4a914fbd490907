/**
 * The dialer for the extension's listeners, which exists even when the tunnel does not. Requests
 * wait for the tunnel only for a limited time, because the customer pays for each millisecond.
 */
import type { Duplex } from 'node:stream';

import type { WallClock, Clock, Timer } from '../ports/clock.js';
import { abortReason } from '../lib/errors/error-message.js';
import type { UserError } from '../lib/errors/user-error.js';
import { whileWaiting } from '../lib/waits.js';
import { type Dialer, DialError, type DialTarget } from '../proxy/dialer.js';
import { IDLE_TIMEOUT, KeptConnections } from '../proxy/http/target/kept-connections.js';
import { Upstream } from '../proxy/http/target/upstream.js';
import type { SandboxTunnel } from './sandbox-tunnel.js';
import { SessionWait } from './session-wait.js';
import { SleepWatch } from './sleep-watch.js';

/** The time, in milliseconds, reserved in an invocation for an error response and its handling. */
const LAST_MOMENTS = 300;

/** If fewer milliseconds than this remain, the remaining time is not halved again. */
const SHORTEST = 50;

/** A connection that is being opened before a request needs it. */
interface Opening {
  readonly stream: Promise<Duplex>;
  readonly abort: AbortController;
  readonly age: SleepWatch;
}

export class SandboxDialer implements Dialer {
  /** Idle connections: those after a response, and those opened in advance. */
  readonly kept = new KeptConnections({
    resends: true,
    freezing: {
      afterInput: () => this.afterInput(),
      expectsMore: () => this.#isFrequent,
      onIdle: (stream) => this.#handleIdle(stream),
      onTaken: (stream) => {
        this.#noteRequest();
        this.#count(stream);
      },
    },
  });
  readonly #wait: number;
  readonly #clock: Clock;
  readonly #wallClock: WallClock;
  readonly #sessionWait: SessionWait;
  /** The monotonic time at which Lambda ends the invocation; a time in the past if unknown. */
  #end = -Infinity;
  #due = Infinity;
  #dueTimer: Timer | undefined;
  #dials = 0;
  /** The number of requests in this invocation; 1 before the first invocation. */
  #requests = 1;
  /** The time since the last request; undefined before the first. */
  #lastRequest: SleepWatch | undefined;
  /** Whether the last two requests were close enough to use one connection. */
  #isFrequent = false;
  #opening: Opening | undefined;
  /** The streams with an exchange in progress, and the time since it began. */
  readonly #streams = new Map<Duplex, SleepWatch>();
  /** All streams that #count() has seen. */
  readonly #known = new WeakSet<Duplex>();
  readonly #idleWaits = new Set<() => void>();

  /**
   * @param wait how long, in milliseconds, requests wait for a session, starting with the first
   * request
   */
  constructor(wait: number, clock: Clock, wallClock: WallClock) {
    this.#wait = wait;
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#sessionWait = new SessionWait({ wait, clock, answersDue: () => this.#answersDue });
  }

  /** Sets the tunnel, whose first handshake may still be in progress. */
  open(tunnel: SandboxTunnel): void {
    tunnel.onMoving?.(() => this.#endIdle());
    this.#sessionWait.open(tunnel);
  }

  /** Makes all dials fail with this reason, because no tunnel will open. */
  refuse(why: UserError): void {
    this.#sessionWait.refuse(why);
  }

  /** Records a failed attempt that will be repeated. Dials that time out report this reason. */
  noteFailure(why: UserError): void {
    this.#sessionWait.noteFailure(why);
  }

  /** See SessionWait.renew(). */
  renewPatience(): void {
    this.#sessionWait.renew();
  }

  /**
   * Starts an invocation. Unanswered requests fail shortly before Lambda ends the invocation.
   * @param left milliseconds until Lambda ends the invocation; 0 or less if the clocks differ
   */
  begin(left: number): void {
    this.close();
    const now = this.#clock.now();
    this.#end = left > 0 ? now + left : -Infinity;
    if (left > 0) this.#answerBy(this.#end - Math.min(LAST_MOMENTS, left / 10));
  }

  /** Stops the timer that ends requests shortly before Lambda ends the invocation. */
  close(): void {
    this.#dueTimer?.cancel();
  }

  /** Ends open streams at `due`. Requests that start later may use half of the remaining time. */
  #answerBy(due: number): void {
    this.#due = due;
    this.#dueTimer = this.#clock.startTimer(due - this.#clock.now(), () => {
      const left = this.#end - this.#clock.now();
      // After a freeze, the invocation has already ended.
      if (left <= 0) return;
      const late = new DialError(
        'timeout',
        'no response yet, and Lambda is about to stop the function',
      );
      for (const stream of this.#streams.keys()) stream.destroy(late);
      if (left > SHORTEST) this.#answerBy(this.#clock.now() + left / 2);
    });
  }

  /** The monotonic time at which waiting requests must get a response. */
  get #answersDue(): number {
    return this.#clock.now() < this.#end ? this.#due : Infinity;
  }

  /** Resolves after all datagrams in the socket are processed, such as those from a freeze. */
  async afterInput(): Promise<void> {
    // The socket may be polled only in the second turn, and then passes the datagrams on at its end.
    // The third turn covers a freeze within a turn, and more than 32 datagrams, of which libuv reads
    // only 32 in one turn.
    for (let turn = 0; turn < 3; turn++) {
      await new Promise<void>((resolve) => this.#clock.defer(resolve));
    }
  }

  /**
   * Starts an invocation. If the previous invocation sent a request, and no connection is open,
   * opens one in advance. Call afterInput() first.
   */
  openAhead(target: DialTarget): void {
    const isSender = this.#requests > 0;
    this.#requests = 0;
    this.#endOldOpening();
    if (this.kept.has(target) || !isSender || this.#opening !== undefined) return;
    const abort = new AbortController();
    const stream = this.#dialInTime(target, abort.signal);
    const opening = { stream, abort, age: new SleepWatch(this.#clock, this.#wallClock) };
    this.#opening = opening;
    stream.then(
      (opened) => {
        if (this.#opening !== opening) return;
        this.#opening = undefined;
        this.kept.add(target, new Upstream(opened));
      },
      () => {
        if (this.#opening === opening) this.#opening = undefined;
      },
    );
  }

  #endOldOpening(): void {
    if (this.#opening !== undefined && this.#opening.age.elapsed() >= IDLE_TIMEOUT) {
      this.#endOpening();
    }
  }

  #endOpening(): void {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening === undefined) return;
    opening.abort.abort(new Error('the connection was not used'));
    opening.stream.then(
      (stream) => stream.destroy(),
      () => undefined,
    );
  }

  /** Ends the connections that no request uses. */
  #endIdle(): void {
    this.#endOpening();
    this.kept.clear();
  }

  async dial(target: DialTarget, signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted();
    this.#dials++;
    this.#noteRequest();
    try {
      const stream = await this.#dialOrTake(target, signal);
      this.#count(stream);
      return stream;
    } finally {
      this.#dials--;
      this.#checkIdle();
    }
  }

  async #dialOrTake(target: DialTarget, signal?: AbortSignal): Promise<Duplex> {
    const began = this.#clock.now();
    const due = this.#answersDue;
    const ready = this.kept.ready();
    if (ready !== undefined) await ready;
    const unused = this.kept.takeUnused(target)?.release();
    const stream =
      unused ??
      (await this.#takeOpening(signal)?.catch((error: unknown) => {
        // Waiting for the connection has used up this request's time.
        if (due - this.#clock.now() < SHORTEST) throw error;
        return undefined;
      }));
    if (signal?.aborted === true) {
      stream?.destroy();
      throw abortReason(signal);
    }
    // The other end may have closed the connection just before this request took it.
    if (stream === undefined || stream.destroyed || stream.readableEnded) {
      return this.#dialInTime(target, signal, this.#clock.now() - began);
    }
    return stream;
  }

  /** Gives the connection that is being opened to the caller; undefined if there is none. */
  #takeOpening(signal?: AbortSignal): Promise<Duplex> | undefined {
    this.#endOldOpening();
    const opening = this.#opening;
    if (opening === undefined) return undefined;
    this.#opening = undefined;
    return whileWaiting(opening.stream, signal, () => opening.abort.abort(abortReason(signal)));
  }

  #noteRequest(): void {
    this.#requests++;
    this.#isFrequent =
      this.#lastRequest !== undefined && this.#lastRequest.elapsed() < IDLE_TIMEOUT;
    this.#lastRequest = new SleepWatch(this.#clock, this.#wallClock);
  }

  /** Lets the invocation end, and Lambda freeze the process, while the connection stays open. */
  #handleIdle(stream: Duplex): void {
    this.#streams.delete(stream);
    this.#checkIdle();
  }

  #count(stream: Duplex): void {
    // The connection may have been reset right after it opened.
    if (stream.closed) return;
    this.#streams.set(stream, new SleepWatch(this.#clock, this.#wallClock));
    if (this.#known.has(stream)) return;
    this.#known.add(stream);
    stream.once('close', () => {
      this.#streams.delete(stream);
      this.#checkIdle();
    });
  }

  /**
   * Closes connections from before a long freeze, because the other end no longer has them open.
   *
   * @param age ms; exchanges that began later are left alone
   */
  destroyStreams(age = 0): void {
    this.#endIdle();
    for (const [stream, since] of this.#streams) {
      if (since.elapsed() >= age) stream.destroy();
    }
  }

  /** Resolves when no dial or stream is active inside the tunnel, or after `limit` ms. */
  whenIdle(limit: number): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        this.#idleWaits.delete(end);
        resolve();
      };
      const timer = this.#clock.startTimer(limit, end);
      this.#idleWaits.add(end);
    });
  }

  get #isIdle(): boolean {
    return this.#dials === 0 && this.#streams.size === 0;
  }

  #checkIdle(): void {
    if (this.#isIdle) for (const end of [...this.#idleWaits]) end();
  }

  /** @param waited milliseconds of the connection timeout that have already passed */
  async #dialInTime(target: DialTarget, signal?: AbortSignal, waited = 0): Promise<Duplex> {
    const tunnel = await this.#sessionWait.session(signal);
    const deadline = Math.min(this.#clock.now() + this.#wait - waited, this.#answersDue);
    // Between the two waits, the signal has no listener, so check it here.
    signal?.throwIfAborted();
    const patience = new AbortController();
    const late = new DialError('timeout', 'the target did not accept the connection in time');
    const timer = this.#clock.startTimer(Math.max(1, deadline - this.#clock.now()), () =>
      patience.abort(late),
    );
    const signals = [patience.signal, ...(signal ? [signal] : [])];
    try {
      return await tunnel.dialer.dial(target, AbortSignal.any(signals));
    } finally {
      timer.cancel();
    }
  }
}
