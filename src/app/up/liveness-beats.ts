/** Sends heartbeats so that a watchdog does not kill this process. */
import type { Clock, Timer } from '../../ports/clock.js';

export interface LivenessBeats {
  /** The next heartbeat must arrive within this many milliseconds. */
  readonly timeout: number;
  /** Whether the process is working. A slow response counts as a failure. */
  readonly isAlive: () => Promise<boolean>;
  readonly beat: () => void;
}

/**
 * Checks at half of the timeout, as sd_watchdog_enabled(3) recommends. Sends a heartbeat if
 * `isAlive` succeeds within a quarter of the timeout. Otherwise checks again soon, so that one slow
 * response does not end the process. Only one check runs at a time.
 * @returns a function that stops the heartbeats
 */
export function startLivenessBeats(
  { timeout, isAlive, beat }: LivenessBeats,
  clock: Clock,
): () => void {
  let timer: Timer | undefined;
  let isEnded = false;
  const ask = async () => {
    const askedAt = clock.now();
    const answer = await isAlive().catch(() => false);
    if (isEnded) return;
    const isInTime = clock.now() - askedAt <= timeout / 4;
    if (answer && isInTime) beat();
    arm(answer && isInTime ? timeout / 2 : timeout / 8);
  };
  const arm = (delay: number) => {
    timer = clock.startTimer(delay, () => void ask());
  };
  arm(timeout / 2);
  return () => {
    isEnded = true;
    timer?.cancel();
  };
}
