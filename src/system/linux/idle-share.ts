/** The weight of earlier waits after each wait: about eight waits count. */
const DECAY = 7 / 8;

/** The share above which a thread is almost idle. During a stream, it waits for up to half of its time. */
const HIGH = 7 / 8;

/** Estimates which share of its time a thread waits for events. */
export class IdleShare {
  /** Weighted sums of the time spent waiting, and of all time, in ms. */
  #waited = 0;
  #total = 0;
  #lastEnd: number;

  /** @param now in ms */
  constructor(now: number) {
    this.#lastEnd = now;
  }

  /** Whether the thread is waiting almost all the time. False until a wait has ended. */
  get isHigh(): boolean {
    return this.#waited > this.#total * HIGH;
  }

  /**
   * Records a wait.
   *
   * @param duration in ms
   * @param ended when the wait ended, in ms
   */
  waited(duration: number, ended: number): void {
    this.#waited = this.#waited * DECAY + duration;
    this.#total = this.#total * DECAY + ended - this.#lastEnd;
    this.#lastEnd = ended;
  }
}
