/** Says again and again that we are alive, to whom ends us where he does not hear it in time. */
import type { Clock, Timer } from '../../ports/clock.js';

export interface LivenessBeats {
  /** Milliseconds within which the next beat has to come. */
  readonly timeout: number;
  /** Whether there is life to speak of; the longer it takes to say, the less there is. */
  readonly isAlive: () => Promise<boolean>;
  readonly beat: () => void;
}

/**
 * Asks each half of the time, as sd_watchdog_enabled(3) recommends, and beats where the answer is yes
 * within a quarter: what hangs has no beat. Where it is another, or late, there is time to ask again, so
 * that one bad moment does not end us. There is never more than one question open.
 *
 * @returns ends it
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
