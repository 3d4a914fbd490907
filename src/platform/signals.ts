import { UserError } from '../lib/user-error.js';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * An AbortSignal that fires at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process.
 * Its reason is a UserError, for a work that the stop leaves undone.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const [name, exitCode] of Object.entries(EXIT_CODES)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(new UserError('failed', { what: 'stopped', why: `${name} came first` }));
    });
  }
  return controller.signal;
}
