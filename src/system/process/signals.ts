import type { ReloadRequests } from '../../ports/reload-requests.js';
import { STOP_SIGNALS, StoppedError, type StopSignal } from '../../lib/errors/stopped-error.js';
import { killGroups } from './command-runner.js';

/** Requests a reload of the configuration on SIGHUP; undefined if SIGHUP stops the process. */
let reload: (() => void) | undefined;

/** Receives all stop signals instead of stopping the process; undefined if not requested. */
let passOn: ((name: PassedSignal) => void) | undefined;

/** The signals that passSignals() passes on. */
export type PassedSignal = StopSignal | 'SIGQUIT';

/**
 * The time, in ms, in which further stop signals count as the same one. Ctrl-C in a terminal reaches
 * both a wrapper, such as npx or timeout(1), and this process, to which the wrapper forwards it.
 */
const ONE_STOP = 100;

/**
 * Returns a signal that aborts at the first SIGINT, SIGTERM, SIGHUP or SIGABRT; the second one ends
 * the process. The abort reason is a StoppedError. After reloadRequests() has taken over SIGHUP,
 * SIGHUP does not stop the process.
 */
export function stopSignal(now = () => performance.now()): AbortSignal {
  const controller = new AbortController();
  let stoppedAt = Infinity;
  for (const name of STOP_SIGNALS) {
    const handle = () => {
      if (passOn !== undefined) {
        passOn(name);
        return;
      }
      if (name === 'SIGHUP' && reload !== undefined) {
        // A stopping process does not need a new configuration.
        if (!controller.signal.aborted) reload();
        return;
      }
      const stop = new StoppedError(name);
      if (now() - stoppedAt > ONE_STOP) endBy(name, handle, stop.exitCode);
      stoppedAt = Math.min(stoppedAt, now());
      controller.abort(stop);
    };
    process.on(name, handle);
  }
  return controller.signal;
}

/**
 * Passes stop signals to `handler`; they no longer stop the process, whether or not stopSignal() was
 * called. Only one call may be active.
 *
 * @returns a function that ends this
 */
export function passSignals(handler: (name: PassedSignal) => void): () => void {
  passOn = handler;
  // stopSignal() handles the other signals, but possibly it was not called.
  const names = ['SIGQUIT', ...STOP_SIGNALS].filter((name) => process.listenerCount(name) === 0);
  const listeners = (names as PassedSignal[]).map((name) => {
    const listener = () => handler(name);
    process.on(name, listener);
    return () => process.off(name, listener);
  });
  return () => {
    passOn = undefined;
    for (const remove of listeners) remove();
  };
}

/**
 * Makes SIGHUP request a reload of the configuration. With a terminal, SIGHUP still stops the
 * process, because the system sends it when the terminal closes.
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
 * Ends the process through the signal itself, because exit() waits for libuv's threads, and an
 * unresponsive name server can block one of them for 20 s. Also kills commands in separate groups,
 * which do not get the terminal's signal. Calls exit() afterwards, because the signal does not end
 * process 1 in a container.
 */
function endBy(name: StopSignal, handle: () => void, exitCode: number): void {
  killGroups();
  process.off(name, handle);
  process.kill(process.pid, name);
  process.exit(exitCode);
}
