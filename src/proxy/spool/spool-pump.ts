/** Sends the queued messages of a spool while the link is up. */
import { messageOf } from '../../lib/errors/error-message.js';
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Clock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import type { ProxyLog } from '../proxy-log.js';
import { drainSpool, type TargetPauses } from './drain-spool.js';
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

/** The longest first pause after a failure, in milliseconds. It doubles with each failure. */
const FIRST_PAUSE = 2_000;

const MAX_PAUSE = 60_000;

interface Pause {
  readonly end: number;
  /** The longest duration of the next pause. */
  readonly next: number;
}

export interface GrowingPausesPorts {
  readonly clock: Pick<Clock, 'now'>;
  readonly entropy: Entropy;
}

export class GrowingPauses implements TargetPauses {
  readonly #ports: GrowingPausesPorts;
  readonly #pauses = new Map<string, Pause>();

  constructor(ports: GrowingPausesPorts) {
    this.#ports = ports;
  }

  isPaused(target: string): boolean {
    const pause = this.#pauses.get(target);
    return pause !== undefined && pause.end > this.#ports.clock.now();
  }

  failed(target: string): void {
    const longest = this.#pauses.get(target)?.next ?? FIRST_PAUSE;
    const end = this.#ports.clock.now() + this.#duration(longest);
    this.#pauses.set(target, { end, next: Math.min(longest * 2, MAX_PAUSE) });
  }

  delivered(target: string): void {
    this.#pauses.delete(target);
  }

  /** Begins a short pause, unless the target pauses already. */
  begin(target: string): void {
    if (this.isPaused(target)) return;
    const end = this.#ports.clock.now() + this.#duration(FIRST_PAUSE);
    this.#pauses.set(target, { end, next: this.#pauses.get(target)?.next ?? FIRST_PAUSE * 2 });
  }

  /** Ends all pauses. */
  clear(): void {
    this.#pauses.clear();
  }

  /** Returns the time until the next pause ends, in milliseconds; undefined if no target pauses. */
  left(): number | undefined {
    const now = this.#ports.clock.now();
    let left: number | undefined;
    for (const [target, { end }] of this.#pauses) {
      if (end > now) left = Math.min(left ?? Infinity, end - now);
      // Nothing has been sent to this target for a long time.
      else if (end < now - MAX_PAUSE) this.#pauses.delete(target);
    }
    return left;
  }

  /** Half of the pause is random, so that devices do not send at the same time after an outage. */
  #duration(longest: number): number {
    const random = randomUint32(this.#ports.entropy) / 2 ** 32;
    return (longest / 2) * (1 + random);
  }
}
