import type { ReloadRequests } from '../../ports/reload-requests.js';
import { STOP_SIGNALS, StoppedError, type StopSignal } from '../../lib/errors/stopped-error.js';
import { killGroups } from './process-groups.js';

/**
 * Handles SIGHUP as a request to reload the configuration; undefined if SIGHUP stops the process.
 */
let reload: (() => void) | undefined;

/**
 * An AbortSignal that fires at the first SIGINT, SIGTERM, SIGHUP or SIGABRT; a second one ends the
 * process. Its reason is a StoppedError, for work that the stop interrupts. SIGHUP does not stop
 * the process after reloadRequests() has claimed it.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of STOP_SIGNALS) {
    const handle = () => {
      if (name === 'SIGHUP' && reload !== undefined) {
        // A process that is stopping needs no new configuration.
        if (!controller.signal.aborted) reload();
        return;
      }
      const stop = new StoppedError(name);
      if (controller.signal.aborted) endBy(name, handle, stop.exitCode);
      controller.abort(stop);
    };
    process.on(name, handle);
  }
  return controller.signal;
}

/**
 * Makes SIGHUP request a reload of the configuration. With a terminal it still stops the process,
 * because the system sends it when the terminal closes.
 *
 * @param hasTerminal whether any of the standard streams is a terminal
 * @returns undefined if SIGHUP still stops the process
 */
export function reloadRequests(
  hasTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY),
): ReloadRequests | undefined {
  reload = undefined;
  if (hasTerminal) return undefined;
  let isPending = false;
  reload = () => {
    isPending = true;
  };
  return {
    onRequest: (handler) => {
      reload = handler;
      if (isPending) handler();
      isPending = false;
    },
  };
}

/**
 * Ends the process by the signal itself: exit() waits for libuv's threads, and an unresponsive name
 * server can block one of them for 20 s. Also kills commands in separate groups, which do not get
 * the terminal's signal. Calls exit() afterwards, because the signal does not end process 1 of a
 * container.
 */
function endBy(name: StopSignal, handle: () => void, exitCode: number): void {
  killGroups();
  process.off(name, handle);
  process.kill(process.pid, name);
  process.exit(exitCode);
}
