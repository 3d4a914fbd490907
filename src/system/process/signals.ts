import type { ReloadRequests } from '../../ports/reload-requests.js';
import { STOP_SIGNALS, StoppedError, type StopSignal } from '../../lib/errors/stopped-error.js';
import { killGroups } from './process-groups.js';

/** Who takes SIGHUP for a wish that the configuration be read again; undefined where it is a stop. */
let reload: (() => void) | undefined;

/**
 * An AbortSignal that fires at the first SIGINT, SIGTERM, SIGHUP or SIGABRT; a second one ends the process.
 * Its reason is a StoppedError, for a work that the stop leaves undone. SIGHUP is no stop where
 * reloadRequests() has taken it.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of STOP_SIGNALS) {
    const handle = () => {
      if (name === 'SIGHUP' && reload !== undefined) {
        // What closes has no use for another configuration.
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
 * From now on SIGHUP asks for the configuration to be read again. Where a terminal is there, the system
 * sends it when that closes, and it stays a stop.
 *
 * @param hasTerminal whether any of the standard streams is a terminal
 * @returns undefined where it stays a stop
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
