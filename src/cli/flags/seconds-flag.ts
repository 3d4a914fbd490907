import { UserError } from '../../lib/errors/user-error.js';

/**
 * Parses a number of seconds, which may have a fraction.
 *
 * @returns milliseconds
 * @throws UserError of kind `usage`
 */
export function parseSeconds(flag: string, text: string, lowest: number, highest: number): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (seconds >= lowest && seconds <= highest) return seconds * 1000;
  throw new UserError('usage', {
    what: `cannot use --${flag}=${text}`,
    why: `the value must be a number of seconds from ${lowest} to ${highest}`,
    next: [`Use the form --${flag}=1.5.`],
  });
}
