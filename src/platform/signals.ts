import { STOP_SIGNALS, StoppedError, type StopSignal } from '../lib/stopped-error.js';
import { killGroups } from './process-groups.js';

/**
 * An AbortSignal that fires at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process.
 * Its reason is a StoppedError, for a work that the stop leaves undone.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of STOP_SIGNALS) {
    const handle = () => {
      const stop = new StoppedError(name);
      if (controller.signal.aborted) endBy(name, handle, stop.exitCode);
      controller.abort(stop);
    };
    process.on(name, handle);
  }
  return controller.signal;
}

/**
 * By the signal itself, at once: exit() waits for the threads of libuv, and a name server that does
 * not answer keeps one of them for 20 s. A command that runs for us in a group of its own does not see
 * the signal of a terminal, and ends with us. As process 1 of a container we do not die of our own signal.
 */
function endBy(name: StopSignal, handle: () => void, exitCode: number): void {
  killGroups();
  process.off(name, handle);
  process.kill(process.pid, name);
  process.exit(exitCode);
}
