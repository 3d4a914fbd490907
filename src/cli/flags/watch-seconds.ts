import { UserError } from '../../lib/errors/user-error.js';

/** The maximum interval, one day. */
const MOST = 86_400;

/**
 * Parses the `[SECONDS]` argument of `status`. An invalid value must not cause exit code 1, which
 * means that no tunnel is running.
 *
 * @throws UserError of kind `usage`
 */
export function watchSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= MOST) return seconds;
  throw new UserError('usage', {
    what: `cannot use ${JSON.stringify(text)} as SECONDS`,
    why: `expected a whole number from 1 to ${MOST}`,
    next: ['Use the form status --watch 5.'],
  });
}
