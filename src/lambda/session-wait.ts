/**
 * Waits for the extension's tunnel and for its session. Requests wait only for a limited time in total,
 * because the customer pays for each millisecond.
 */
import { UserError } from '../lib/errors/user-error.js';
import { SILENCES } from '../lib/silence.js';
import { abortable } from '../lib/waits.js';
import type { Clock } from '../ports/clock.js';
import { DialError } from '../proxy/dialer.js';
import type { SandboxTunnel } from './sandbox-tunnel.js';

/**
 * After a failed wait, requests may wait for a session again when this many milliseconds have
 * passed.
 */
const REST = 10_000;

export interface SessionWaitOptions {
  /** How long, in milliseconds, requests wait for a session, starting with the first request. */
  readonly wait: number;
  readonly clock: Clock;
  /** Returns the monotonic time at which waiting requests must get a response; Infinity if none. */
  readonly answersDue: () => number;
}

export class SessionWait {
  readonly #options: SessionWaitOptions;
  /** The tunnel, or the reason why it is unavailable; undefined before one of them is known. */
  #outcome: SandboxTunnel | DialError | undefined;
  /** Why the last attempt to open the tunnel failed, if further attempts follow. */
  #lastFailure: UserError | undefined;
  /** Callbacks for a new outcome. */
  readonly #waits = new Set<() => void>();
  /** When requests began to wait for a session; undefined if a session exists. */
  #missingSince: number | undefined;

  constructor(options: SessionWaitOptions) {
    this.#options = options;
    this.#missingSince = options.clock.now();
  }

  /** Sets the tunnel, whose first handshake may still be in progress. */
  open(tunnel: SandboxTunnel): void {
    this.#lastFailure = undefined;
    this.#settle(tunnel);
  }

  /** Makes all waits fail with this reason, because no tunnel will open. */
  refuse(why: UserError): void {
    this.#settle(notReady(why));
  }

  /** Records a failed attempt that will be repeated. Waits that time out report this reason. */
  noteFailure(why: UserError): void {
    this.#lastFailure = why;
  }

  #settle(outcome: SandboxTunnel | DialError): void {
    this.#outcome = outcome;
    for (const look of [...this.#waits]) look();
  }

  /**
   * Lets requests wait for the full time again, because the tunnel may be available now. Also
   * clears a refusal, so the caller must then call open() or refuse().
   */
  renew(): void {
    this.#missingSince = undefined;
    if (this.#outcome instanceof DialError) this.#outcome = undefined;
  }

  /**
   * @returns the tunnel, after its handshake
   * @throws DialError if the wait has ended, or the tunnel is unavailable
   */
  async session(signal?: AbortSignal): Promise<SandboxTunnel> {
    this.#renewAfterRest();
    const tunnel = await this.#tunnel(this.#end(), signal);
    try {
      tunnel.refreshSession();
      await tunnel.waitForHandshake(this.#end(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof UserError ? notReady(error) : error;
    }
    this.#missingSince = undefined;
    return tunnel;
  }

  /** Returns the end of the wait. Call this again after each wait, because renew() may have changed it. */
  #end(): number {
    const { wait, clock, answersDue } = this.#options;
    this.#missingSince ??= clock.now();
    return Math.min(this.#missingSince + wait, answersDue());
  }

  /** Allows another wait after a pause, because renew() may never be called. */
  #renewAfterRest(): void {
    const { wait, clock } = this.#options;
    const since = this.#missingSince ?? Infinity;
    if (clock.now() >= since + wait + REST) this.#missingSince = undefined;
  }

  #tunnel(deadline: number, signal?: AbortSignal): Promise<SandboxTunnel> {
    const { wait, clock } = this.#options;
    return abortable<SandboxTunnel>(signal, (resolve, reject) => {
      const look = () => {
        const outcome = this.#outcome;
        if (outcome instanceof DialError) reject(outcome);
        else if (outcome !== undefined) resolve(outcome);
      };
      const timer = clock.startTimer(Math.max(0, deadline - clock.now()), () =>
        reject(notOpened(wait, this.#lastFailure)),
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
  const why = failure?.message ?? 'the tunnel has not been opened yet';
  return new DialError('not-ready', `the tunnel did not open within ${wait / 1000} s: ${why}`, {
    cause: failure,
  });
}

function notReady(error: UserError): DialError {
  const { reason } = error as { reason?: string };
  const silence = SILENCES.find((known) => known === reason);
  return new DialError('not-ready', error.message, { cause: error, silence });
}
