/**
 * The life of the extension in one execution environment: init, invocations, shutdown.
 *
 * Lambda starts the runtime when all extensions are registered, and has the first invocation wait until
 * all have asked for their first event: what is slow stands between the two, beside the function's own
 * init. It freezes the environment when the runtime and all extensions wait for the next event.
 */
import type { WallClock } from '../lib/clock.js';
import { messageOf } from '../lib/error-message.js';
import { UserError } from '../lib/user-error.js';
import type { Dialer } from '../proxy/dialer.js';
import type { Clock, Log } from '../tunnel/ports.js';
import type { ExtensionEvent, ExtensionsApi } from './extensions-api.js';
import type { Listeners } from './listeners.js';
import { SandboxDialer } from './sandbox-dialer.js';
import type { SandboxTunnel } from './sandbox-tunnel.js';
import type { LambdaSettings } from './settings.js';
import { SleepWatch } from './sleep-watch.js';

export interface ExtensionPorts {
  readonly api: Pick<ExtensionsApi, 'register' | 'next' | 'initError' | 'exitError'>;
  /** Opens the ports of the forwarder. @throws UserError */
  readonly listen: (dialer: Dialer) => Promise<Listeners>;
  /** Finds the configuration, and opens the tunnel without waiting for it. @throws UserError */
  readonly openTunnel: () => Promise<SandboxTunnel>;
  readonly log: Log;
  readonly clock: Clock;
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

/** As Lambda gives it: for a stop that it does not send. */
const SHUTDOWN_TIME = 2_000;

/** Between two attempts at a secret while an invocation runs, in ms. */
const SECRET_PAUSE = 100;

export class Extension {
  readonly #settings: LambdaSettings;
  readonly #fault: UserError | undefined;
  readonly #ports: ExtensionPorts;
  readonly #dialer: SandboxDialer;
  readonly #sleep: SleepWatch;
  /** The moments of the init, in ms since the process began. */
  readonly #moments: Record<string, number> = {};
  #tunnel: SandboxTunnel | undefined;
  #opening: Promise<UserError | undefined> | undefined;

  /** @param fault a setting that cannot be used */
  constructor(settings: LambdaSettings, fault: UserError | undefined, ports: ExtensionPorts) {
    this.#settings = settings;
    this.#fault = fault;
    this.#ports = ports;
    this.#dialer = new SandboxDialer(settings.wait, ports.clock, ports.wallClock);
    this.#sleep = new SleepWatch(ports.clock, ports.wallClock);
  }

  /**
   * Resolves after a shutdown, when everything is closed.
   *
   * @throws UserError where the environment cannot start, which Lambda has been told, or where Lambda
   *   does not answer
   */
  async run(): Promise<void> {
    const listening = await this.#listen();
    await this.#register();
    if (listening instanceof UserError) {
      return this.#failInit('Extension.PortUnavailable', listening);
    }
    try {
      const failure = await this.#start();
      if (failure !== undefined && this.#settings.onFailure === 'fail') {
        await this.#failInit(errorType(failure), failure);
      }
      const event = await this.#attend();
      await this.#shutDown(listening, event);
    } catch (error) {
      await this.#close(listening, 0);
      throw error;
    }
  }

  async #listen(): Promise<Listeners | UserError> {
    const { listen } = this.#ports;
    const listening = await listen(this.#dialer).catch((error: unknown) => {
      if (error instanceof UserError) return error;
      throw error;
    });
    this.#note('listenMs');
    return listening;
  }

  /** The tunnel is opened as soon as the request has left: what that loads must not delay it. */
  async #register(): Promise<void> {
    const { initializationType } = this.#settings;
    const isManaged = initializationType === 'lambda-managed-instances';
    const isCopied = initializationType === 'snap-start';
    await this.#ports.api.register(isManaged ? ['SHUTDOWN'] : ['INVOKE', 'SHUTDOWN'], () => {
      this.#note('registerMs');
      // What an init leaves behind is started many times: a session in it would be used twice.
      if (!isCopied) this.#opening = this.#open();
    });
  }

  /** Until the first handshake, or until its time is over. @returns why there is no tunnel */
  async #start(): Promise<UserError | undefined> {
    const failure = await this.#firstHandshake();
    this.#note('readyMs');
    const { log } = this.#ports;
    if (failure === undefined) log.info(this.#moments, 'ready');
    else {
      const { what, why, next } = failure;
      log.error({ ...this.#moments, what, why, next }, `no tunnel: ${failure.message}`);
    }
    return failure;
  }

  async #firstHandshake(): Promise<UserError | undefined> {
    // Later: when the first invocation comes.
    if (this.#opening === undefined) return undefined;
    const failure = await this.#opening;
    if (failure !== undefined || this.#tunnel === undefined) return failure;
    try {
      await this.#tunnel.waitForHandshake(this.#settings.wait, this.#ports.stop);
      this.#note('handshakeMs');
      return undefined;
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
  }

  /** @returns why there is no tunnel; undefined also where it has to wait for an invocation */
  async #open(): Promise<UserError | undefined> {
    try {
      if (this.#fault !== undefined) throw this.#fault;
      this.#tunnel = await this.#ports.openTunnel();
      this.#dialer.open(this.#tunnel);
      return undefined;
    } catch (error) {
      if (this.#mayComeLater) return undefined;
      const failure = asUserError(error);
      this.#dialer.refuse(failure);
      return failure;
    }
  }

  /** AWS's extension for secrets answers during an invocation alone. */
  get #mayComeLater(): boolean {
    const { kind } = this.#settings.place;
    return this.#fault === undefined && (kind === 'secret' || kind === 'parameter');
  }

  /** One event after the other, up to the last. */
  async #attend(): Promise<ExtensionEvent> {
    for (;;) {
      this.#sleep.mark();
      const event = await this.#next();
      if (event.type === 'SHUTDOWN') return event;
      const opened = this.#invoked();
      await this.#hold(opened);
    }
  }

  #next(): Promise<ExtensionEvent> {
    const { api, stop, wallClock } = this.#ports;
    return new Promise((resolve, reject) => {
      const onStop = () => {
        const deadlineMs = wallClock.unixMilliseconds() + SHUTDOWN_TIME;
        resolve({ type: 'SHUTDOWN', reason: 'signal', deadlineMs });
      };
      if (stop.aborted) onStop();
      stop.addEventListener('abort', onStop, { once: true });
      api
        .next()
        .then(resolve, reject)
        .finally(() => stop.removeEventListener('abort', onStop));
    });
  }

  /** The handler begins beside us: what it will send needs a session. */
  #invoked(): Promise<unknown> {
    const elapsed = this.#sleep.elapsed();
    this.#dialer.renewPatience();
    if (this.#tunnel === undefined) return (this.#opening = this.#openInTime());
    if (elapsed >= DEAD_AFTER) this.#dialer.destroyStreams();
    this.#tunnel.refreshSession();
    this.#dialer.invoked(this.#settings.target);
    return Promise.resolve();
  }

  /** In an invocation, where the init could not. */
  async #openInTime(): Promise<UserError | undefined> {
    const { clock, log } = this.#ports;
    const deadline = clock.now() + this.#settings.wait;
    for (;;) {
      try {
        if (this.#fault !== undefined) throw this.#fault;
        this.#tunnel ??= await this.#ports.openTunnel();
        this.#dialer.open(this.#tunnel);
        return undefined;
      } catch (error) {
        const failure = asUserError(error);
        const isLate = clock.now() + SECRET_PAUSE >= deadline;
        if (!isLate && this.#mayComeLater) {
          await new Promise<void>((resolve) => void clock.startTimer(SECRET_PAUSE, resolve));
          continue;
        }
        this.#dialer.refuse(failure);
        log.error({ what: failure.what, why: failure.why, next: failure.next }, failure.message);
        return failure;
      }
    }
  }

  /** A freeze in the middle of something would break it. While the handler runs, waiting is free. */
  async #hold(opened: Promise<unknown>): Promise<void> {
    const { clock } = this.#ports;
    const until = clock.now() + LONGEST_HOLD;
    const isUp = opened.then(() => this.#tunnel?.waitForHandshake(until));
    const limit = new Promise<void>((resolve) => {
      const timer = clock.startTimer(LONGEST_HOLD, resolve);
      isUp.catch(() => undefined).finally(() => timer.cancel());
    });
    await Promise.race([isUp.catch(() => undefined), limit]);
    await this.#dialer.whenIdle(Math.max(0, until - clock.now()));
  }

  async #shutDown(listeners: Listeners, event: ExtensionEvent): Promise<void> {
    const { wallClock, log } = this.#ports;
    const { deadlineMs } = event;
    const reason = event.type === 'SHUTDOWN' ? event.reason : '';
    // A function that has hung or died waits for no answer any more.
    const isOver = reason === 'timeout' || reason === 'failure';
    const left = deadlineMs - wallClock.unixMilliseconds() - LAST_WORDS;
    await this.#close(listeners, isOver ? 0 : Math.max(0, left));
    log.info({ reason }, 'shut down');
  }

  /** @param graceMs for what is under way, and for what was sent to arrive */
  async #close(listeners: Listeners, graceMs: number): Promise<void> {
    const { clock } = this.#ports;
    const deadline = clock.now() + graceMs;
    await listeners.close({ graceMs });
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
    this.#moments[moment] = Math.round(this.#ports.clock.now() * 10) / 10;
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
