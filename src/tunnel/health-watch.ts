import type { Clock, Timer } from '../ports/clock.js';
import type { TunnelHealth, TunnelStatus } from './tunnel-status.js';

/** The interval in milliseconds between two looks at the health. */
const INTERVAL = 1_000;

export type Health = Pick<TunnelStatus, 'health' | 'silence'>;

/** Reports when a tunnel's health changes, which may happen without any event of the data path. */
export class HealthWatch {
  readonly #clock: Clock;
  readonly #look: () => Health;
  readonly #onChange: (now: Health) => void;
  #last: TunnelHealth | undefined;
  #timer: Timer | undefined;

  /** @param onChange called after each change since start() */
  constructor(clock: Clock, look: () => Health, onChange: (now: Health) => void) {
    this.#clock = clock;
    this.#look = look;
    this.#onChange = onChange;
  }

  /** Starts to watch. Further calls have no effect. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#last = this.#look().health;
    this.#arm();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#clock.startTimer(INTERVAL, () => {
      // Arm first, because the listener may stop the watch or throw.
      this.#arm();
      const now = this.#look();
      if (now.health === this.#last) return;
      this.#last = now.health;
      this.#onChange(now);
    });
  }
}
