/** Opens the extension's tunnel: during init, and again later while it cannot be opened. */
import { messageOf } from '../lib/errors/error-message.js';
import { UserError } from '../lib/errors/user-error.js';
import { pause } from '../lib/waits.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import { NotYetError } from './not-yet-error.js';
import type { SandboxDialer } from './sandbox-dialer.js';
import type { SandboxTunnel } from './sandbox-tunnel.js';

/** Milliseconds between the first two attempts to read a secret; later pauses are longer. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

export interface AttemptPorts {
  /**
   * Finds the configuration, and opens the tunnel without waiting for its handshake.
   *
   * @throws NotYetError if a later attempt may succeed, during an invocation or afterwards
   * @throws UserError
   */
  readonly openTunnel: () => Promise<SandboxTunnel>;
  readonly log: Log;
  readonly clock: Clock;
}

export class TunnelAttempts {
  readonly #ports: AttemptPorts;
  /** Receives the tunnel, or why it is unavailable. */
  readonly #dialer: SandboxDialer;
  /** How long an invocation waits for a secret, in milliseconds. */
  readonly #wait: number;
  #tunnel: SandboxTunnel | undefined;
  #inInit: Promise<UserError | undefined> | undefined;
  /** The running attempt during an invocation. Never rejects. */
  #inInvocation: Promise<void> | undefined;
  #hasFailedInInvocation = false;
  #isClosed = false;

  constructor(ports: AttemptPorts, dialer: SandboxDialer, wait: number) {
    this.#ports = ports;
    this.#dialer = dialer;
    this.#wait = wait;
  }

  get tunnel(): SandboxTunnel | undefined {
    return this.#tunnel;
  }

  /**
   * The attempt during init; undefined if there is none. Resolves with the reason why there is no
   * tunnel, or with undefined if the tunnel is open or may open later. Never rejects.
   */
  get inInit(): Promise<UserError | undefined> | undefined {
    return this.#inInit;
  }

  /** Opens the tunnel during init. If a secret cannot be read yet, an invocation opens the tunnel. */
  begin(): void {
    this.#inInit = this.#openInInit(-Infinity);
  }

  /**
   * Opens the tunnel in an environment that is not told about invocations. Tries until a secret can
   * be read, also after init.
   *
   * @param until when to report that the secret cannot be read yet
   */
  beginAndRetry(until: number): void {
    this.#inInit = this.#openInInit(until, (failure) => void this.#openLater(failure));
  }

  /** Opens the tunnel during an invocation, if init could not do so. Never rejects. */
  openInInvocation(): Promise<void> {
    // An attempt from an earlier invocation may still be running.
    this.#inInvocation ??= this.#openInInvocation().finally(() => {
      this.#inInvocation = undefined;
    });
    return this.#inInvocation;
  }

  /** Closes the tunnel, also if it opens later. */
  async close(options: { readonly gracePeriod: number }): Promise<void> {
    this.#isClosed = true;
    await this.#tunnel?.close(options);
  }

  async #openInInit(
    until: number,
    onNotYet?: (reason: NotYetError) => void,
  ): Promise<UserError | undefined> {
    const failure = await this.#open(until);
    if (failure instanceof NotYetError) {
      onNotYet?.(failure);
      return undefined;
    }
    if (failure !== undefined) this.#dialer.refuse(failure);
    return failure;
  }

  /** Retries until the secret can be read, because no event reports when it can. Never rejects. */
  async #openLater(reason: NotYetError): Promise<void> {
    this.#refuse(reason);
    const failure = await this.#open(Infinity);
    if (failure !== undefined && !this.#isClosed) this.#refuse(failure);
  }

  async #openInInvocation(): Promise<void> {
    await this.#inInit;
    if (this.#tunnel !== undefined) return;
    // After one failed wait, later invocations do not wait, because the time spent waiting is
    // billed.
    const patience = this.#hasFailedInInvocation ? -Infinity : this.#wait;
    const failure = await this.#open(this.#ports.clock.now() + patience);
    if (failure === undefined) return;
    this.#hasFailedInInvocation = true;
    this.#refuse(failure);
  }

  /** Records a failure after init. A failure during init is logged together with the init times. */
  #refuse(failure: UserError): void {
    const { what, why, next } = failure;
    this.#dialer.refuse(failure);
    this.#ports.log.error({ what, why, next }, failure.message);
  }

  /** @param until when to stop retrying to read a secret */
  async #open(until: number): Promise<UserError | undefined> {
    const { clock } = this.#ports;
    for (let delay = FIRST_PAUSE; ; delay = Math.min(2 * delay, LONGEST_PAUSE)) {
      const failure = await this.#openOnce();
      if (!(failure instanceof NotYetError)) return failure;
      this.#dialer.noteFailure(failure);
      if (clock.now() >= until || this.#isClosed) return failure;
      await pause(Math.min(delay, until - clock.now()), clock);
    }
  }

  async #openOnce(): Promise<UserError | undefined> {
    try {
      const tunnel = await this.#ports.openTunnel();
      if (this.#isClosed) {
        await tunnel.close({ gracePeriod: 0 });
        return undefined;
      }
      this.#tunnel = tunnel;
      this.#dialer.open(tunnel);
      return undefined;
    } catch (error) {
      return asUserError(error);
    }
  }
}

function asUserError(error: unknown): UserError {
  if (error instanceof UserError) return error;
  return new UserError('failed', {
    what: 'cannot open the tunnel',
    why: messageOf(error),
    cause: error,
  });
}
