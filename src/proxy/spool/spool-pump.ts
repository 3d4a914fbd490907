/** Sends the queued messages of a spool while the line works. */
import { messageOf } from '../../lib/errors/error-message.js';
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Clock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import type { ProxyLog } from '../proxy-log.js';
import { drainSpool } from './drain-spool.js';
import type { SendOutcome } from './send-request.js';
import type { Spool } from './spool.js';
import type { SpooledMessage } from './spooled-message.js';

export interface SpoolPumpOptions {
  readonly spool: Spool;
  readonly send: (message: SpooledMessage) => Promise<SendOutcome>;
  readonly clock: Pick<Clock, 'startTimer'>;
  readonly entropy: Entropy;
  readonly log: ProxyLog;
}

/** The longest first pause after a failure, in milliseconds. It doubles with each failure. */
const FIRST_PAUSE = 2_000;

const MAX_PAUSE = 60_000;

/** How often to look for messages that another command has queued again, in milliseconds. */
const IDLE_INTERVAL = 60_000;

/** What ends a pause: a message was queued, the line is back, or stop() was called. */
type Wake = 'queued' | 'line' | 'stop';

export class SpoolPump {
  readonly #options: SpoolPumpOptions;
  #pause = FIRST_PAUSE;
  #isStopping = false;
  /** Whether a message was queued after the last drain began. */
  #hasNews = false;
  #wake: ((cause: Wake) => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SpoolPumpOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Call this after a message was queued. */
  queued(): void {
    this.#hasNews = true;
    this.#wake?.('queued');
  }

  /** Call this when the line may work again. Ends a pause. */
  lineIsBack(): void {
    this.#pause = FIRST_PAUSE;
    this.#wake?.('line');
  }

  /** Stops after the current message. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#wake?.('stop');
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      if (await this.#drain()) {
        this.#pause = FIRST_PAUSE;
        if (!(await this.#rest())) continue;
      }
      await this.#sleep(this.#nextPause());
    }
  }

  /** @returns whether no message waits */
  async #drain(): Promise<boolean> {
    const { spool, send, log } = this.#options;
    this.#hasNews = false;
    const obstacle = () => (this.#isStopping ? 'arctun is stopping' : undefined);
    try {
      const { delivered, waitsFor } = await drainSpool({ spool, send, obstacle, log });
      if (delivered > 0) this.#pause = FIRST_PAUSE;
      if (waitsFor === undefined) return true;
      log.debug({ reason: waitsFor }, 'messages wait in the spool');
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'cannot use the spool');
    }
    return false;
  }

  /** Waits for messages. @returns whether one was queued because it could not be sent */
  async #rest(): Promise<boolean> {
    if (this.#hasNews) return true;
    return (await this.#sleep(IDLE_INTERVAL, true)) === 'queued';
  }

  /** @param isIdle whether a queued message ends the sleep */
  async #sleep(milliseconds: number, isIdle = false): Promise<Wake | undefined> {
    if (this.#isStopping) return 'stop';
    return new Promise((resolve) => {
      const end = (cause?: Wake) => {
        // A message that is queued during a pause waits with the others.
        if (cause === 'queued' && !isIdle) return;
        timer.cancel();
        this.#wake = undefined;
        resolve(cause);
      };
      const timer = this.#options.clock.startTimer(milliseconds, () => end());
      this.#wake = end;
    });
  }

  /** Half of the pause is random, so that devices do not send at the same time after an outage. */
  #nextPause(): number {
    const longest = this.#pause;
    this.#pause = Math.min(longest * 2, MAX_PAUSE);
    const random = randomUint32(this.#options.entropy) / 2 ** 32;
    return (longest / 2) * (1 + random);
  }
}
