/**
 * Runs the steps of a smoke test one after the other. Each step passes, fails or is not possible,
 * with its reason.
 */

/** How long a step may run after its signal has aborted, in ms. */
const END_LIMIT = 90_000;

/** Thrown by a step that cannot run, or that would not show anything. */
export class NotPossible extends Error {}

/**
 * @typedef {'passed' | 'failed' | 'not possible'} Outcome
 * @typedef {readonly [name: string, value: string]} Fact
 *
 * @typedef {object} Tools what a step gets
 * @property {(name: string, value: string | number) => void} note records a fact, which is kept even
 *   if the step fails later
 * @property {AbortSignal} signal aborts if the user stops the run, or at the limit of the step
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {number} limit in seconds; after it, the step fails
 * @property {boolean} [always] whether the step also runs after the user has stopped the run
 * @property {(tools: Tools) => Promise<void>} run should end soon after its signal
 *   aborts; the next step starts after at most END_LIMIT
 *
 * @typedef {object} Result
 * @property {string} title
 * @property {Outcome} outcome
 * @property {string} reason why the step did not pass; empty if it passed
 * @property {number} seconds
 * @property {readonly Fact[]} facts
 */

/**
 * Runs all steps, also after one that failed: a step whose preconditions are missing throws
 * NotPossible.
 *
 * @param {readonly Step[]} steps
 * @param {{ stop: AbortSignal, onResult?: (result: Result) => void, endLimit?: number }} options
 * @returns {Promise<Result[]>}
 */
export async function runSteps(steps, { stop, onResult, endLimit = END_LIMIT }) {
  const results = [];
  for (const step of steps) {
    const result = await runStep(step, stop, endLimit);
    results.push(result);
    onResult?.(result);
  }
  return results;
}

/**
 * @param {Step} step
 * @param {AbortSignal} stop
 * @param {number} endLimit
 * @returns {Promise<Result>}
 */
async function runStep({ title, limit, always = false, run }, stop, endLimit) {
  const started = performance.now();
  /** @type {Fact[]} */
  const facts = [];
  /** @type {(outcome: Outcome, reason?: string) => Result} */
  const ended = (outcome, reason = '') => {
    return { title, outcome, reason, seconds: (performance.now() - started) / 1000, facts };
  };
  if (stop.aborted && !always) return ended('not possible', messageOf(stop.reason));
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`not done after ${limit} s`)), limit * 1000);
  const signal = always ? late.signal : AbortSignal.any([stop, late.signal]);
  /** @type {Tools['note']} */
  const note = (name, value) => void facts.push([name, String(value)]);
  try {
    await orAbandoned(run({ note, signal }), signal, endLimit);
    return ended('passed');
  } catch (error) {
    if (signal.aborted) {
      return ended(
        signal.reason === stop.reason ? 'not possible' : 'failed',
        messageOf(signal.reason),
      );
    }
    return ended(error instanceof NotPossible ? 'not possible' : 'failed', messageOf(error));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Rejects if the step has not ended some time after its signal has aborted, so that a step that
 * hangs does not prevent the termination of the SIM.
 *
 * @param {Promise<void>} step
 * @param {AbortSignal} signal
 * @param {number} endLimit
 */
async function orAbandoned(step, signal, endLimit) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const abandoned = new Promise((_resolve, reject) => {
    const onAbort = () => {
      timer = setTimeout(() => reject(new Error('the step did not end')), endLimit);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    step.then(over, over);
  });
  await Promise.race([step, abandoned]);
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Rejects with the reason of the signal if it aborts before the promise is settled.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} signal
 * @returns {Promise<T>}
 */
export function orAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/**
 * Resolves after some milliseconds.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function pause(milliseconds, signal) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  return orAborted(over, signal).finally(() => clearTimeout(timer));
}
