import type { Clock, WallClock } from '../ports/clock.js';

export const systemClock: Clock = {
  now: () => performance.now(),
  startTimer(delay, handler) {
    const timer = setTimeout(handler, Math.min(delay, LONGEST_DELAY));
    return { cancel: () => clearTimeout(timer) };
  },
  defer: (handler) => void setImmediate(handler),
};

/**
 * The longest delay of a Node.js timer; longer timers fire immediately. The driver restarts a timer
 * that fires early.
 */
const LONGEST_DELAY = 2 ** 31 - 1;

export const systemWallClock: WallClock = { unixMilliseconds: () => Date.now() };
