/** Sends the queued messages of a spool while the link is up. */
import { messageOf } from '../../lib/errors/error-message.js';
import type { Clock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import type { ProxyLog } from '../proxy-log.js';
import { drainSpool } from './drain-spool.js';
import { GrowingPauses } from './growing-pauses.js';
import type { SendOutcome } from './send-request.js';
import type { Spool } from './spool.js';
import type { SpooledMessage } from './spooled-message.js';

export interface SpoolPumpOptions {
  readonly spool: Spool;
  readonly send: (message: SpooledMessage) => Promise<SendOutcome>;
  readonly clock: Pick<Clock, 'now' | 'startTimer'>;
  readonly entropy: Entropy;
  readonly log: ProxyLog;
}

/** How often to look for messages that another command has queued again, in milliseconds. */
const IDLE_INTERVAL = 60_000;

/** Pauses like a target after the folder could not be used. No hash of a target is equal. */
const FOLDER = 'folder';

/** What ends a sleep: a message was queued, the link is up, or stop() was called. */
type Wake = 'queued' | 'link' | 'stop';

export class SpoolPump {
  readonly #options: SpoolPumpOptions;
  readonly #pauses: GrowingPauses;
  /** The targets of messages that were queued, and may have been missed by the last drain. */
  readonly #news = new Set<string>();
  #isStopping = false;
  #wake: ((cause: Wake) => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SpoolPumpOptions) {
    this.#options = options;
    this.#pauses = new GrowingPauses(options);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Call this after a message was queued. @param target the target of its SpoolEntry */
  queued(target: string): void {
    this.#news.add(target);
    this.#wake?.('queued');
  }

  /** Call this when the link is up again. Ends all pauses. */
  linkIsUp(): void {
    this.#pauses.clear();
    this.#wake?.('link');
  }

  /** Stops after the current message. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#wake?.('stop');
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      await this.#drain();
      let cause: Wake | undefined;
      do {
        this.#noticeNews();
        cause = await this.#sleep(Math.min(this.#pauses.left() ?? IDLE_INTERVAL, IDLE_INTERVAL));
      } while (cause === 'queued');
    }
  }

  async #drain(): Promise<void> {
    const { spool, send, log } = this.#options;
    const pauses = this.#pauses;
    const obstacle = () => (this.#isStopping ? 'arctun is stopping' : undefined);
    try {
      const { waitsFor } = await drainSpool({ spool, send, obstacle, pauses, log });
      if (waitsFor !== undefined) log.debug({ reason: waitsFor }, 'messages wait in the spool');
    } catch (error) {
      pauses.failed(FOLDER);
      log.warn({ reason: messageOf(error) }, 'cannot use the spool');
    }
  }

  /**
   * A message is queued because its target has just failed, or because older messages for its
   * target wait.
   */
  #noticeNews(): void {
    for (const target of this.#news) this.#pauses.begin(target);
    this.#news.clear();
  }

  async #sleep(milliseconds: number): Promise<Wake | undefined> {
    if (this.#isStopping) return 'stop';
    return new Promise((resolve) => {
      const end = (cause?: Wake) => {
        timer.cancel();
        this.#wake = undefined;
        resolve(cause);
      };
      const timer = this.#options.clock.startTimer(milliseconds, () => end());
      this.#wake = end;
    });
  }
}
