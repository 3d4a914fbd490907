/** Stops a run after a signal. A second signal ends the process at once. */
import { constants } from 'node:os';

/** npm passes on a signal that the terminal has already sent, so two signals arrive at once. */
const SAME_SIGNAL = 1_000;

const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * @typedef {object} Stop
 * @property {AbortSignal} signal
 * @property {number | undefined} exitCode undefined if no signal has arrived
 * @property {() => void} onSecond called before a second signal ends the process
 */

/**
 * @param {Pick<NodeJS.Process, 'on' | 'exit' | 'stderr'>} [host]
 * @param {() => number} [now] monotonic milliseconds
 * @returns {Stop}
 */
export function stopSignal(host = process, now = () => performance.now()) {
  const controller = new AbortController();
  /** @type {Stop} */
  const stop = { signal: controller.signal, exitCode: undefined, onSecond: () => {} };
  let stoppedAt = 0;
  for (const name of SIGNALS) {
    host.on(name, () => {
      const code = 128 + constants.signals[name];
      if (stop.exitCode !== undefined) {
        if (now() - stoppedAt < SAME_SIGNAL) return;
        stop.onSecond();
        host.exit(code);
      }
      stoppedAt = now();
      stop.exitCode = code;
      host.stderr.write(`\nStopping after ${name}. The steps that clean up still run.\n`);
      controller.abort(new Error(`stopped by ${name}`));
    });
  }
  return stop;
}
