/** Waits that an abort signal or a timer can end, without leaving listeners or timers behind. */
import type { Clock } from '../ports/clock.js';
import { abortReason } from './errors/error-message.js';

type Timers = Pick<Clock, 'startTimer'>;

/**
 * Returns a promise that settles once: through the callbacks for `begin`, or with the abort reason.
 *
 * @param begin returns a cleanup function, which is called before the promise settles
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
 * Resolves with the result of `promise`.
 *
 * @throws the abort reason if `signal` aborts first
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
 * Resolves with the result of `promise`; undefined after `milliseconds`.
 *
 * @throws the abort reason if `signal` aborts first
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

/** Resolves after `milliseconds`, or when the signal aborts. */
export function pause(milliseconds: number, timers: Timers, signal?: AbortSignal): Promise<void> {
  return abortable<undefined>(signal, (resolve) => {
    const timer = timers.startTimer(milliseconds, () => resolve(undefined));
    return () => timer.cancel();
  }).catch(() => undefined);
}

/** Calls `onAbort` if the signal is already aborted or aborts before the promise settles. */
export function whileWaiting<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
  onAbort: () => void,
): Promise<Result> {
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort);
  return promise.finally(() => signal?.removeEventListener('abort', onAbort));
}

/** Resolves when the signal aborts, or immediately if it is already aborted. */
export function whenAborted(signal: AbortSignal): Promise<undefined> {
  return abortable<undefined>(signal, () => undefined).catch(() => undefined);
}

/**
 * Handles late rejections, so that a failure after an abort does not count as an unhandled
 * rejection.
 */
function unheard(): undefined {
  return undefined;
}
