/**
 * Ends process 1 of a container at a stop signal that arrives before a command handles signals. The
 * kernel ignores signals that process 1 does not handle, so the container would run until SIGKILL.
 * Import this module before the command line.
 */
import { constants } from 'node:os';

const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Handles the stop signals while no other listener for the same signal exists. */
export function stopEarly(): void {
  for (const name of NAMES) {
    // Keep the listener: if it removed itself while another is added, Node would ignore the signal.
    process.on(name, () => {
      if (process.listenerCount(name) === 1) process.exit(128 + constants.signals[name]);
    });
  }
}

if (process.pid === 1) stopEarly();
