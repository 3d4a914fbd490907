/** Allows `ratePerSecond` events per second on average, and bursts of up to `burst` events. */
export class TokenBucket {
  readonly #ratePerSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number;

  constructor(ratePerSecond: number, burst: number, now: number) {
    this.#ratePerSecond = ratePerSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAt = now;
  }

  /** Uses one token; returns false if none is left. `now` is in milliseconds. */
  take(now: number): boolean {
    const filled = this.#tokens + ((now - this.#filledAt) * this.#ratePerSecond) / 1000;
    this.#tokens = Math.min(this.#burst, filled);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Returns a token that was taken. */
  giveBack(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }
}
