import { STOP_SIGNALS, StoppedError } from '../lib/stopped-error.js';

/**
 * An AbortSignal that fires at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process.
 * Its reason is a StoppedError, for a work that the stop leaves undone.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of STOP_SIGNALS) {
    process.on(name, () => {
      const stop = new StoppedError(name);
      if (controller.signal.aborted) process.exit(stop.exitCode);
      controller.abort(stop);
    });
  }
  return controller.signal;
}
