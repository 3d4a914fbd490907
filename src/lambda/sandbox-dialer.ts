/**
 * The dialer of the extension's listeners, from before there is a tunnel until after it: a request
 * waits for the tunnel, but never longer than its time, for the function pays for each millisecond.
 */
import type { Duplex } from 'node:stream';

import type { WallClock, Clock, Timer } from '../ports/clock.js';
import { abortReason } from '../lib/errors/error-message.js';
import { UserError } from '../lib/errors/user-error.js';
import { abortable } from '../lib/waits.js';
import { SILENCES } from '../lib/silence.js';
import { type Dialer, DialError, type DialTarget } from '../proxy/dialer.js';
import type { SandboxTunnel } from './sandbox-tunnel.js';
import { SpareConnection } from './spare-connection.js';

/** Of an invocation, in ms: for an answer that says what is missing, and for what the function makes of it. */
const LAST_MOMENTS = 300;

/** Less than so many ms are not halved again. */
const SHORTEST = 50;

/** Patience that was spent in vain comes back after so many ms. */
const REST = 10_000;

export class SandboxDialer implements Dialer {
  readonly #wait: number;
  readonly #clock: Clock;
  /** The tunnel, or why there is none; undefined before either is known. */
  #outcome: SandboxTunnel | DialError | undefined;
  /** Why the last attempt to open the tunnel failed, while others follow. */
  #lastFailure: UserError | undefined;
  /** Called when there is another outcome. */
  readonly #waits = new Set<() => void>();
  /** Since when there has been no session that was asked for; undefined where all is well. */
  #missingSince: number | undefined;
  /** When Lambda ends the function, by the clock's `now`; in the past where that is not known. */
  #end = -Infinity;
  #due = Infinity;
  #dueTimer: Timer | undefined;
  #dials = 0;
  /** Requests since the invocation began; before the first there is no telling, and one is likely. */
  #requests = 1;
  readonly #spare: SpareConnection;
  readonly #streams = new Set<Duplex>();
  readonly #idleWaits = new Set<() => void>();

  /** @param wait ms that whoever asks for a session waits for it, counted from the first */
  constructor(wait: number, clock: Clock, wallClock: WallClock) {
    this.#wait = wait;
    this.#clock = clock;
    this.#spare = new SpareConnection(wallClock);
    this.#missingSince = clock.now();
  }

  /** There is a tunnel from now on. Its first handshake may be under way. */
  open(tunnel: SandboxTunnel): void {
    this.#lastFailure = undefined;
    tunnel.onMoving?.(() => this.#spare.discard());
    this.#settle(tunnel);
  }

  /** There is none, and none to be expected: each dial is told why. */
  refuse(why: UserError): void {
    this.#settle(notReady(why));
  }

  /** An attempt failed, and another one follows: a dial whose wait ends first reports this reason. */
  noteFailure(why: UserError): void {
    this.#lastFailure = why;
  }

  #settle(outcome: SandboxTunnel | DialError): void {
    this.#outcome = outcome;
    for (const look of [...this.#waits]) look();
  }

  /**
   * An invocation has begun: a while before Lambda ends it, what has no answer yet gets one.
   *
   * @param left ms until Lambda ends it; none where the clocks of Lambda and ours are apart
   */
  begin(left: number): void {
    this.close();
    const now = this.#clock.now();
    this.#end = left > 0 ? now + left : -Infinity;
    if (left > 0) this.#answerBy(this.#end - Math.min(LAST_MOMENTS, left / 10));
  }

  /** Nothing is dialled any more. */
  close(): void {
    this.#dueTimer?.cancel();
  }

  /** Whoever comes behind that has half of what is left then. */
  #answerBy(due: number): void {
    this.#due = due;
    this.#dueTimer = this.#clock.startTimer(due - this.#clock.now(), () => {
      const left = this.#end - this.#clock.now();
      // Behind a freeze: nobody is about to be ended.
      if (left <= 0) return;
      const late = new DialError('timeout', 'no answer yet, and the function is about to be ended');
      for (const stream of this.#streams) stream.destroy(late);
      if (left > SHORTEST) this.#answerBy(this.#clock.now() + left / 2);
    });
  }

  /** When whoever waits is to be answered, in any case, by the clock's `now`. */
  get #answersDue(): number {
    return this.#clock.now() < this.#end ? this.#due : Infinity;
  }

  /**
   * An invocation has begun. Where the one before has sent something, a connection to `target` is opened
   * for what this one will send.
   */
  openAhead(target: DialTarget): void {
    const isSender = this.#requests > 0;
    this.#requests = 0;
    if (isSender) this.#spare.prepare((signal) => this.#dialInTime(target, signal));
  }

  /**
   * Whoever comes has the whole time to wait: what was missing may be there now. A refusal is forgotten:
   * to be called only where open() or refuse() is to come behind it.
   */
  renewPatience(): void {
    this.#missingSince = undefined;
    if (this.#outcome instanceof DialError) this.#outcome = undefined;
  }

  async dial(target: DialTarget, signal?: AbortSignal): Promise<Duplex> {
    signal?.throwIfAborted();
    this.#dials++;
    this.#requests++;
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
    const spare = await this.#spare.take(signal)?.catch((error: unknown) => {
      // It has had all the time that there was for this request, too.
      if (due - this.#clock.now() < SHORTEST) throw error;
      return undefined;
    });
    if (signal?.aborted === true) {
      spare?.destroy();
      throw abortReason(signal);
    }
    // Its end may have come in the very turn in which it was taken, before anything was sent.
    if (spare === undefined || spare.destroyed || spare.readableEnded) {
      return this.#dialInTime(target, signal, this.#clock.now() - began);
    }
    return spare;
  }

  #count(stream: Duplex): void {
    // It may have been reset right behind its opening.
    if (stream.closed) return;
    this.#streams.add(stream);
    stream.once('close', () => {
      this.#streams.delete(stream);
      this.#checkIdle();
    });
  }

  /** What was opened before a long sleep: the other end has given it up. */
  destroyStreams(): void {
    this.#spare.discard();
    for (const stream of this.#streams) stream.destroy();
  }

  /** Resolves when nothing is under way inside of the tunnel, and in `limit` ms at the latest. */
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

  /** @param waited ms that are over already of those that a connection may take */
  async #dialInTime(target: DialTarget, signal?: AbortSignal, waited = 0): Promise<Duplex> {
    const tunnel = await this.#session(signal);
    const deadline = Math.min(this.#clock.now() + this.#wait - waited, this.#answersDue);
    // Between two waits nobody listens to it.
    signal?.throwIfAborted();
    const patience = new AbortController();
    const late = new DialError('timeout', 'the target does not take the connection in time');
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

  /** @returns the tunnel, with a session */
  async #session(signal?: AbortSignal): Promise<SandboxTunnel> {
    this.#regainPatience();
    const tunnel = await this.#tunnel(this.#patienceEnd(), signal);
    try {
      tunnel.refreshSession();
      await tunnel.waitForHandshake(this.#patienceEnd(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof UserError ? notReady(error) : error;
    }
    this.#missingSince = undefined;
    return tunnel;
  }

  /** Asked again behind each wait: patience may have been renewed meanwhile. */
  #patienceEnd(): number {
    this.#missingSince ??= this.#clock.now();
    return Math.min(this.#missingSince + this.#wait, this.#answersDue);
  }

  /** In a long invocation, and in a managed instance, no event tells that what was missing may be there. */
  #regainPatience(): void {
    const since = this.#missingSince ?? Infinity;
    if (this.#clock.now() >= since + this.#wait + REST) this.#missingSince = undefined;
  }

  #tunnel(deadline: number, signal?: AbortSignal): Promise<SandboxTunnel> {
    return abortable<SandboxTunnel>(signal, (resolve, reject) => {
      const look = () => {
        const outcome = this.#outcome;
        if (outcome instanceof DialError) reject(outcome);
        else if (outcome !== undefined) resolve(outcome);
      };
      const timer = this.#clock.startTimer(Math.max(0, deadline - this.#clock.now()), () =>
        reject(notOpened(this.#wait, this.#lastFailure)),
      );
      this.#waits.add(look);
      look();
      return () => {
        timer.cancel();
        this.#waits.delete(look);
      };
    });
  }
}

function notOpened(wait: number, failure: UserError | undefined): DialError {
  const why = failure?.message ?? 'it has not been opened yet';
  return new DialError('not-ready', `no tunnel within ${wait / 1000} s: ${why}`, {
    cause: failure,
  });
}

function notReady(error: UserError): DialError {
  const { reason } = error as { reason?: string };
  const silence = SILENCES.find((known) => known === reason);
  return new DialError('not-ready', error.message, { cause: error, silence });
}
