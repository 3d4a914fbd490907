/**
 * The life of the extension in one execution environment: init, invocations, shutdown.
 *
 * Lambda starts the runtime when all extensions are registered, and has the first invocation wait until
 * all have asked for their first event: what is slow stands between the two, beside the function's own
 * init. It freezes the environment when the runtime and all extensions wait for the next event.
 */
import type { WallClock, Clock } from '../ports/clock.js';
import { messageOf } from '../lib/errors/error-message.js';
import { UserError } from '../lib/errors/user-error.js';
import { inTime, pause, untilAborted } from '../lib/waits.js';
import type { Dialer } from '../proxy/dialer.js';
import type { Log } from '../ports/log.js';
import type { ExtensionEvent, ExtensionsApi } from './extensions-api.js';
import type { Listeners } from './listeners.js';
import { NotYetError } from './not-yet-error.js';
import { SandboxDialer } from './sandbox-dialer.js';
import type { SandboxTunnel } from './sandbox-tunnel.js';
import type { LambdaSettings } from './settings.js';
import { SleepWatch } from './sleep-watch.js';

export interface ExtensionPorts {
  readonly api: Pick<ExtensionsApi, 'register' | 'next' | 'initError' | 'exitError'>;
  /** Opens the ports of the forwarder. @throws UserError */
  readonly listen: (dialer: Dialer) => Promise<Listeners>;
  /**
   * Finds the configuration, and opens the tunnel without waiting for its handshake.
   *
   * @throws NotYetError where another attempt may succeed, while an invocation runs or later
   * @throws UserError
   */
  readonly openTunnel: () => Promise<SandboxTunnel>;
  /** Called when the registration's request has left: what will be wanted may be loaded. */
  readonly warmUp: () => void;
  readonly log: Log;
  readonly clock: Clock;
  /** The `now` of the clock at which the process began. */
  readonly began: number;
  readonly wallClock: WallClock;
  /** Fires when the process is told to end otherwise than by Lambda's event. */
  readonly stop: AbortSignal;
}

/** What is open inside of the tunnel has been given up by its other end after so many ms. */
const DEAD_AFTER = 30_000;

/** For so long, in ms, the next event is not asked for while something is under way. */
const LONGEST_HOLD = 500;

/** Milliseconds of a shutdown that are ours to end the process in. */
const LAST_WORDS = 200;

/** As Lambda gives it: for a stop that it does not send, and where its clock and ours differ. */
const SHUTDOWN_TIME = 2_000;

/** Between the first two attempts at a secret, in ms; then twice as long each time, up to a limit. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

export class Extension {
  readonly #settings: LambdaSettings;
  readonly #ports: ExtensionPorts;
  readonly #dialer: SandboxDialer;
  readonly #sleep: SleepWatch;
  /** The moments of the init, in ms since the process began. */
  readonly #moments: Record<string, number> = {};
  #listeners: Listeners | undefined;
  #tunnel: SandboxTunnel | undefined;
  /** In the init; undefined where it has to wait for an invocation. Never rejects. */
  #opening: Promise<UserError | undefined> | undefined;
  /** In an invocation, as long as it takes. Never rejects. */
  #openingLate: Promise<void> | undefined;
  #hasFailedLate = false;
  #isClosed = false;

  constructor(settings: LambdaSettings, ports: ExtensionPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#dialer = new SandboxDialer(settings.wait, ports.clock, ports.wallClock);
    this.#sleep = new SleepWatch(ports.clock, ports.wallClock);
  }

  /**
   * Resolves after a shutdown, when everything is closed.
   *
   * @throws UserError where the environment cannot start, which Lambda has been told, or where Lambda
   *   does not answer; everything is closed then, too
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

  /** @returns why there is no port */
  async #listen(): Promise<UserError | undefined> {
    try {
      this.#listeners = await this.#ports.listen(this.#dialer);
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    this.#note('listenMs');
    return undefined;
  }

  /** The tunnel is opened as soon as the request has left: what that loads must not delay it. */
  async #register(isListening: boolean): Promise<void> {
    const { initializationType } = this.#settings;
    const isCopied = initializationType === 'snap-start';
    const { api, warmUp } = this.#ports;
    await api.register(this.#isManaged ? ['SHUTDOWN'] : ['INVOKE', 'SHUTDOWN'], () => {
      this.#note('registerMs');
      warmUp();
      // What an init leaves behind is started many times: a session in it would be used twice.
      if (isListening && !isCopied) this.#opening = this.#openInInit();
    });
  }

  /** Its invocations are no events, and come many at a time. */
  get #isManaged(): boolean {
    return this.#settings.initializationType === 'lambda-managed-instances';
  }

  /** Until the first handshake, or until its time is over. @returns why there is no tunnel */
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
    // Where there is none by then, or there was none to be: when the first invocation comes.
    const failure = await this.#settled(this.#opening, deadline);
    if (failure !== undefined) return failure;
    if (this.#tunnel === undefined) return this.#unread();
    try {
      await this.#tunnel.waitForHandshake(deadline, stop);
      this.#note('handshakeMs');
      return undefined;
    } catch (error) {
      if (stop.aborted) return undefined;
      if (error instanceof UserError) return error;
      throw error;
    }
  }

  /** @returns why there is no tunnel to wait for; undefined where an invocation is what it takes */
  #unread(): UserError | undefined {
    const { place, wait } = this.#settings;
    const isOnDisk = place.kind === 'value' || place.kind === 'files';
    if (!isOnDisk || this.#opening === undefined) return undefined;
    return new UserError('tunnel', {
      what: 'the tunnel has not been opened',
      why: `its configuration was not read within ${wait / 1000} s`,
      next: ['See whether the disk that it is on answers, or raise ARCTUN_LAMBDA_WAIT.'],
    });
  }

  /**
   * @param work that never rejects
   * @returns what has come of it; undefined where it goes on, or the process is told to end
   */
  async #settled<Result>(
    work: Promise<Result> | undefined,
    until: number,
  ): Promise<Result | undefined> {
    const { clock, stop } = this.#ports;
    const left = Math.max(0, until - clock.now());
    return work && inTime(work, left, clock, stop).catch(() => undefined);
  }

  /** @returns why there is no tunnel; undefined also where it has to wait for an invocation */
  async #openInInit(): Promise<UserError | undefined> {
    const { began } = this.#ports;
    const failure = await this.#open(this.#isManaged ? began + this.#settings.wait : -Infinity);
    if (failure instanceof NotYetError) {
      if (this.#isManaged) void this.#openLater(failure);
      return undefined;
    }
    if (failure !== undefined) this.#dialer.refuse(failure);
    return failure;
  }

  /** Where no event tells when a secret can be read. Never rejects. */
  async #openLater(reason: NotYetError): Promise<void> {
    this.#refuse(reason);
    const failure = await this.#open(Infinity);
    if (failure !== undefined && !this.#isClosed) this.#refuse(failure);
  }

  /** Where the init could not. */
  async #openInInvocation(): Promise<void> {
    await this.#opening;
    if (this.#tunnel !== undefined) return;
    const { clock } = this.#ports;
    // A function that has waited in vain once is not to pay for that again and again.
    const patience = this.#hasFailedLate ? -Infinity : this.#settings.wait;
    const failure = await this.#open(clock.now() + patience);
    if (failure === undefined) return;
    this.#hasFailedLate = true;
    this.#refuse(failure);
  }

  /** Behind the init, whose end has its own line in the log. */
  #refuse(failure: UserError): void {
    const { what, why, next } = failure;
    this.#dialer.refuse(failure);
    this.#ports.log.error({ what, why, next }, failure.message);
  }

  /** @param until how long what cannot be read yet is tried again; once at least. Never rejects. */
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

  /** One event after the other, up to the last. */
  async #attend(): Promise<ExtensionEvent> {
    for (;;) {
      this.#sleep.mark();
      const event = await this.#next();
      if (event.type === 'SHUTDOWN') return event;
      const opened = this.#invoked(event.deadlineMs);
      await this.#hold(opened);
      // What the invocation has begun leaves first: its turn is deferred, and the engine's behind it.
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

  /** The handler begins beside us: what it will send needs a session. */
  #invoked(deadlineMs: number): Promise<void> {
    const elapsed = this.#sleep.elapsed();
    this.#dialer.renewPatience();
    this.#dialer.begin(deadlineMs - this.#ports.wallClock.unixMilliseconds());
    if (this.#tunnel === undefined) {
      // That of an earlier invocation may be under way.
      this.#openingLate ??= this.#openInInvocation().finally(() => {
        this.#openingLate = undefined;
      });
      return this.#openingLate;
    }
    if (elapsed >= DEAD_AFTER) this.#dialer.destroyStreams();
    return this.#prepare(this.#tunnel);
  }

  /** Behind what has lain in the socket during a freeze: an old initiation there would cross a new one. */
  async #prepare(tunnel: SandboxTunnel): Promise<void> {
    await this.#turn();
    tunnel.refreshSession();
    this.#dialer.openAhead(this.#settings.target);
  }

  /** A freeze in the middle of something would break it. While the handler runs, waiting is free. */
  async #hold(opened: Promise<void>): Promise<void> {
    const { clock } = this.#ports;
    const until = clock.now() + LONGEST_HOLD;
    const isUp = opened
      .then(() => this.#tunnel?.waitForHandshake(until))
      // The dials tell of it.
      .catch(() => undefined);
    await this.#settled(isUp, until);
    await this.#settled(this.#dialer.whenIdle(Math.max(0, until - clock.now())), until);
  }

  /** Until all that is here by now has been handled. */
  #turn(): Promise<void> {
    return new Promise((resolve) => this.#ports.clock.defer(resolve));
  }

  async #shutDown(event: ExtensionEvent): Promise<void> {
    const { wallClock, log } = this.#ports;
    const { deadlineMs } = event;
    const reason = event.type === 'SHUTDOWN' ? event.reason : '';
    // A function that has hung or died waits for no answer any more.
    const isOver = reason === 'timeout' || reason === 'failure';
    const left = Math.min(SHUTDOWN_TIME, deadlineMs - wallClock.unixMilliseconds());
    await this.#close(isOver ? 0 : Math.max(0, left - LAST_WORDS));
    log.info({ reason }, 'shut down');
  }

  /** @param graceMs for what is under way, and for what was sent to arrive */
  async #close(graceMs: number): Promise<void> {
    const { clock } = this.#ports;
    const deadline = clock.now() + graceMs;
    await this.#listeners?.close({ graceMs });
    this.#dialer.close();
    // What is opened behind this is closed by whoever opens it.
    this.#isClosed = true;
    await this.#tunnel?.close({ gracePeriod: Math.max(0, deadline - clock.now()) });
  }

  async #failInit(type: string, failure: UserError): Promise<never> {
    const { api, log } = this.#ports;
    const message = [failure.message, ...failure.next].join(' ');
    await api
      .initError({ type, message })
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'Lambda was not told'));
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

function asUserError(error: unknown): UserError {
  if (error instanceof UserError) return error;
  return new UserError(
    'failed',
    { what: 'cannot open the tunnel', why: messageOf(error) },
    { cause: error },
  );
}
