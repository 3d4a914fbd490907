/** The pauses of a spool's targets, which grow with each failure. */
import { randomUint32 } from '../../lib/random-uint32.js';
import type { Clock } from '../../ports/clock.js';
import type { Entropy } from '../../ports/entropy.js';
import type { TargetPauses } from './drain-spool.js';

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
