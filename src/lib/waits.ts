/** Waits that an abort signal or a timer ends. Each removes its listener and its timer at the end. */
import type { Clock } from '../ports/clock.js';
import { abortReason } from './errors/error-message.js';

type Timers = Pick<Clock, 'startTimer'>;

/**
 * A promise that settles once: by what `begin` calls, or with the signal's reason.
 *
 * @param begin returns what undoes it; called before the promise settles
 */
export function abortable<Result>(
  signal: AbortSignal | undefined,
  begin: (
    resolve: (result: Result) => void,
    reject: (error: Error) => void,
  ) => (() => void) | undefined,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortReason(signal));
      return;
    }
    let isOver = false as boolean;
    let undo: (() => void) | undefined = undefined;
    const settle = (outcome: () => void) => {
      if (isOver) return;
      isOver = true;
      signal?.removeEventListener('abort', onAbort);
      undo?.();
      outcome();
    };
    const onAbort = () => settle(() => reject(abortReason(signal)));
    signal?.addEventListener('abort', onAbort);
    try {
      undo = begin(
        (result) => settle(() => resolve(result)),
        (error) => settle(() => reject(error)),
      );
    } catch (error) {
      settle(() => undefined);
      throw error;
    }
    if (isOver) undo?.();
  });
}

/**
 * What a promise gives.
 *
 * @throws the reason of `signal` if that fires first
 */
export function untilAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  promise.catch(unheard);
  return abortable(signal, (resolve, reject) => {
    promise.then(resolve, reject);
    return undefined;
  });
}

/**
 * What a promise gives, or undefined if it takes longer.
 *
 * @throws the reason of `signal` if that fires first
 */
export function inTime<Result>(
  promise: Promise<Result>,
  milliseconds: number,
  timers: Timers,
  signal?: AbortSignal,
): Promise<Result | undefined> {
  promise.catch(unheard);
  return abortable<Result | undefined>(signal, (resolve, reject) => {
    const timer = timers.startTimer(milliseconds, () => resolve(undefined));
    promise.then(resolve, reject);
    return () => timer.cancel();
  });
}

/** Resolves after so many milliseconds, or when the signal fires. */
export function pause(milliseconds: number, timers: Timers, signal?: AbortSignal): Promise<void> {
  return abortable<undefined>(signal, (resolve) => {
    const timer = timers.startTimer(milliseconds, () => resolve(undefined));
    return () => timer.cancel();
  }).catch(() => undefined);
}

/** Calls `onAbort` if the signal fires, or has fired, before the promise settles. */
export function whileWaiting<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
  onAbort: () => void,
): Promise<Result> {
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort);
  return promise.finally(() => signal?.removeEventListener('abort', onAbort));
}

/** Resolves when the signal fires, or has fired. */
export function whenAborted(signal: AbortSignal): Promise<undefined> {
  return abortable<undefined>(signal, () => undefined).catch(() => undefined);
}

/** After an abort, no caller waits for the promise: its failure is not an unhandled rejection. */
function unheard(): undefined {
  return undefined;
}
