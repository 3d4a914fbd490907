/**
 * Runs the extension in one execution environment: init, invocations, shutdown.
 *
 * Lambda starts the runtime after all extensions have registered, and delays the first invocation
 * until all extensions have requested their first event. The extension does slow work between
 * registration and that request, in parallel with the function's init. Lambda freezes the
 * environment while the runtime and all extensions wait for events.
 */
import type { WallClock } from '../ports/clock.js';
import { messageOf } from '../lib/errors/error-message.js';
import { UserError } from '../lib/errors/user-error.js';
import { inTime, untilAborted } from '../lib/waits.js';
import type { Dialer } from '../proxy/dialer.js';
import type { ExtensionEvent, ExtensionsApi } from './extensions-api.js';
import type { KeptConnections } from '../proxy/http/target/kept-connections.js';
import type { Listeners } from './listeners.js';
import { SandboxDialer } from './sandbox-dialer.js';
import type { SandboxTunnel } from './sandbox-tunnel.js';
import type { LambdaSettings } from './settings.js';
import { SleepWatch } from './sleep-watch.js';
import { type AttemptPorts, TunnelAttempts } from './tunnel-attempts.js';

export interface ExtensionPorts extends AttemptPorts {
  readonly api: Pick<ExtensionsApi, 'register' | 'next' | 'initError' | 'exitError'>;
  /** Opens the listeners of the forwarder. @throws UserError */
  readonly listen: (dialer: Dialer, kept: KeptConnections) => Promise<Listeners>;
  /** Loads modules that are needed later. Called when the tunnel is open, or after LONGEST_COLD. */
  readonly warmUp: () => void;
  /** The clock's `now` at the start of the process. */
  readonly began: number;
  readonly wallClock: WallClock;
  /** Aborted if the process is stopped by a signal instead of Lambda's event. */
  readonly stop: AbortSignal;
}

/** After this many milliseconds, the other end has closed idle connections inside the tunnel. */
const DEAD_AFTER = 30_000;

/**
 * The maximum time, in milliseconds, for which pending work delays the request for the next event.
 */
const LONGEST_HOLD = 500;

/** The part of the shutdown time, in milliseconds, that is reserved for ending the process. */
const LAST_WORDS = 200;

/** Lambda's shutdown time in milliseconds, assumed after a signal or if the clocks differ. */
const SHUTDOWN_TIME = 2_000;

/** The maximum time, in milliseconds, from registration until other modules are loaded. */
const LONGEST_COLD = 100;

export class Extension {
  readonly #settings: LambdaSettings;
  readonly #ports: ExtensionPorts;
  readonly #dialer: SandboxDialer;
  readonly #sleep: SleepWatch;
  readonly #attempts: TunnelAttempts;
  /** The time of each init step, in milliseconds since the start of the process. */
  readonly #moments: Record<string, number> = {};
  #listeners: Listeners | undefined;

  constructor(settings: LambdaSettings, ports: ExtensionPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#dialer = new SandboxDialer(settings.wait, ports.clock, ports.wallClock);
    this.#sleep = new SleepWatch(ports.clock, ports.wallClock);
    this.#attempts = new TunnelAttempts(ports, this.#dialer, settings.wait);
  }

  /**
   * Runs the extension. Resolves after a shutdown, when everything is closed.
   *
   * @throws UserError if the environment cannot start, which is reported to Lambda, or if Lambda
   * does not answer; everything is closed in both cases
   */
  async run(): Promise<void> {
    const noPort = await this.#listen();
    try {
      await this.#register(noPort === undefined);
      if (noPort !== undefined) await this.#failInit('Extension.PortUnavailable', noPort);
      const failure = await this.#start();
      if (failure !== undefined && this.#settings.onFailure === 'fail') {
        await this.#failInit(errorType(failure), failure);
      }
      await this.#shutDown(await this.#attend());
    } catch (error) {
      await this.#close(0);
      throw error;
    }
  }

  /** @returns why the ports could not be opened; undefined if they are open */
  async #listen(): Promise<UserError | undefined> {
    try {
      this.#listeners = await this.#ports.listen(this.#dialer, this.#dialer.kept);
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    this.#note('listenMs');
    return undefined;
  }

  /** Registers the extension. Opens the tunnel after the request has been sent. */
  async #register(isListening: boolean): Promise<void> {
    const { initializationType } = this.#settings;
    const isCopied = initializationType === 'snap-start';
    const { api } = this.#ports;
    await api.register(this.#isManaged ? ['SHUTDOWN'] : ['INVOKE', 'SHUTDOWN'], () => {
      this.#note('registerMs');
      // A SnapStart snapshot is started many times, and all copies would share the tunnel's
      // session.
      if (isListening && !isCopied) this.#beginOpening();
      void this.#warmUp();
    });
  }

  #beginOpening(): void {
    if (this.#isManaged) this.#attempts.beginAndRetry(this.#ports.began + this.#settings.wait);
    else this.#attempts.begin();
  }

  /** Loads modules while the lookup of the server's address or the handshake waits for a response. */
  async #warmUp(): Promise<void> {
    const { clock, warmUp } = this.#ports;
    await this.#settled(this.#attempts.inInit, clock.now() + LONGEST_COLD);
    // If the address is known, the tunnel sends its initiation at the end of this turn.
    clock.defer(warmUp);
  }

  /** Whether invocations are concurrent and do not send events, as on Lambda Managed Instances. */
  get #isManaged(): boolean {
    return this.#settings.initializationType === 'lambda-managed-instances';
  }

  /**
   * Waits for the first handshake or the timeout. @returns why the tunnel is unavailable; undefined
   * otherwise
   */
  async #start(): Promise<UserError | undefined> {
    const failure = await this.#firstHandshake();
    const { log, stop } = this.#ports;
    if (stop.aborted) return undefined;
    this.#note('readyMs');
    if (failure === undefined) log.info(this.#moments, 'ready');
    else {
      const { what, why, next } = failure;
      log.error({ ...this.#moments, what, why, next }, `no tunnel: ${failure.message}`);
    }
    return failure;
  }

  async #firstHandshake(): Promise<UserError | undefined> {
    const { began, stop } = this.#ports;
    const deadline = began + this.#settings.wait;
    // If init does not open the tunnel in this time, the first invocation waits for it.
    const failure = await this.#settled(this.#attempts.inInit, deadline);
    if (failure !== undefined) return failure;
    const { tunnel } = this.#attempts;
    if (tunnel === undefined) return this.#unread();
    try {
      await tunnel.waitForHandshake(deadline, stop);
      this.#note('handshakeMs');
      return undefined;
    } catch (error) {
      if (stop.aborted) return undefined;
      if (error instanceof UserError) return error;
      throw error;
    }
  }

  /**
   * @returns why the tunnel was not opened in time; undefined if it can be opened only in an
   * invocation
   */
  #unread(): UserError | undefined {
    const { place, wait } = this.#settings;
    const isOnDisk = place.kind === 'value' || place.kind === 'files';
    if (!isOnDisk || this.#attempts.inInit === undefined) return undefined;
    return new UserError('tunnel', {
      what: 'cannot open the tunnel',
      why: `the configuration could not be read within ${wait / 1000} s`,
      next: [
        'Check that the disk holding the configuration is responding, or increase ARCTUN_LAMBDA_WAIT.',
      ],
    });
  }

  /**
   * @param work a promise that never rejects
   * @returns the result of `work`; undefined if `work` is still pending or the process is stopping
   */
  async #settled<Result>(
    work: Promise<Result> | undefined,
    until: number,
  ): Promise<Result | undefined> {
    const { clock, stop } = this.#ports;
    const left = Math.max(0, until - clock.now());
    return work && inTime(work, left, clock, stop).catch(() => undefined);
  }

  /** Handles events one by one until SHUTDOWN, and returns that event. */
  async #attend(): Promise<ExtensionEvent> {
    for (;;) {
      this.#sleep.mark();
      const event = await this.#next();
      if (event.type === 'SHUTDOWN') return event;
      const opened = this.#invoked(event.deadlineMs);
      await this.#hold(opened);
      // Let packets be sent before a freeze: #prepare() and the engine each delay them by one turn.
      await this.#turn();
      await this.#turn();
    }
  }

  async #next(): Promise<ExtensionEvent> {
    const { api, stop, wallClock } = this.#ports;
    try {
      stop.throwIfAborted();
      return await untilAborted(api.next(), stop);
    } catch (error) {
      if (!stop.aborted) throw error;
      const deadlineMs = wallClock.unixMilliseconds() + SHUTDOWN_TIME;
      return { type: 'SHUTDOWN', reason: 'signal', deadlineMs };
    }
  }

  /**
   * Start a session now, because the function's handler starts at the same time and may send data.
   */
  #invoked(deadlineMs: number): Promise<void> {
    const elapsed = this.#sleep.elapsed();
    this.#dialer.renewPatience();
    this.#dialer.begin(deadlineMs - this.#ports.wallClock.unixMilliseconds());
    const { tunnel } = this.#attempts;
    return tunnel === undefined
      ? this.#attempts.openInInvocation()
      : this.#prepare(tunnel, elapsed);
  }

  /**
   * Reads packets from before a freeze first, because the target may have ended a connection, and
   * because an old initiation would conflict with a new one.
   */
  async #prepare(tunnel: SandboxTunnel, elapsed: number): Promise<void> {
    await this.#dialer.afterInput();
    if (elapsed >= DEAD_AFTER) this.#dialer.destroyStreams(DEAD_AFTER);
    tunnel.refreshSession();
    this.#dialer.openAhead(this.#settings.target);
  }

  /** Delays the request for the next event while work is pending, up to LONGEST_HOLD. */
  async #hold(opened: Promise<void>): Promise<void> {
    const { clock } = this.#ports;
    const until = clock.now() + LONGEST_HOLD;
    const isUp = opened
      .then(() => this.#attempts.tunnel?.waitForHandshake(until))
      // Ignore the failure here, because dials report it.
      .catch(() => undefined);
    await this.#settled(isUp, until);
    await this.#settled(this.#dialer.whenIdle(Math.max(0, until - clock.now())), until);
  }

  /** Resolves after all pending events have been handled. */
  #turn(): Promise<void> {
    return new Promise((resolve) => this.#ports.clock.defer(resolve));
  }

  async #shutDown(event: ExtensionEvent): Promise<void> {
    const { wallClock, log } = this.#ports;
    const { deadlineMs } = event;
    const reason = event.type === 'SHUTDOWN' ? event.reason : '';
    // After a timeout or a crash, the function does not wait for responses.
    const isOver = reason === 'timeout' || reason === 'failure';
    const left = Math.min(SHUTDOWN_TIME, deadlineMs - wallClock.unixMilliseconds());
    await this.#close(isOver ? 0 : Math.max(0, left - LAST_WORDS));
    log.info({ reason }, 'shut down');
  }

  /** @param graceMs milliseconds for running exchanges to finish and sent data to arrive */
  async #close(graceMs: number): Promise<void> {
    const { clock } = this.#ports;
    const deadline = clock.now() + graceMs;
    await this.#listeners?.close({ graceMs });
    this.#dialer.close();
    await this.#attempts.close({ gracePeriod: Math.max(0, deadline - clock.now()) });
  }

  async #failInit(type: string, failure: UserError): Promise<never> {
    const { api, log } = this.#ports;
    const message = [failure.message, ...failure.next].join(' ');
    await api
      .initError({ type, message })
      .catch((error: unknown) =>
        log.warn({ error: messageOf(error) }, 'cannot report the failure to Lambda'),
      );
    throw failure;
  }

  #note(moment: string): void {
    const { began, clock } = this.#ports;
    this.#moments[moment] = Math.round((clock.now() - began) * 10) / 10;
  }
}

function errorType(failure: UserError): string {
  return failure.kind === 'tunnel' ? 'Extension.HandshakeTimeout' : 'Extension.ConfigInvalid';
}
