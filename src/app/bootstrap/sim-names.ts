/** The names of several SIMs that one run creates. */
import { UserError } from '../../lib/errors/user-error.js';
import { isSimName, MAX_SIMS } from '../fleet/fleet-configs.js';

export interface SimNames {
  /** A name is this prefix and the number of the SIM, from 1. */
  readonly namePrefix: string;
  readonly count: number;
}

/**
 * Returns the names, which are also the names of the files in a fleet's folder. Numbers have no
 * leading zeros, so that a larger count keeps the names.
 *
 * @throws UserError of kind `usage` if the files would not be valid in a fleet
 */
export function simNames({ namePrefix, count }: SimNames): readonly string[] {
  if (!(count >= 1 && count <= MAX_SIMS)) {
    const why = `--count ${count} must be from 1 to ${MAX_SIMS}`;
    throw refusal(why, `Use a count of up to ${MAX_SIMS} for each folder.`);
  }
  if (!isSimName(`${namePrefix}${count}`)) {
    const why = `the name ${namePrefix}${count} must have 1 to 64 letters, digits and characters of _=+.-`;
    throw refusal(why, 'Choose another --name-prefix, such as sensor-.');
  }
  return Array.from({ length: count }, (_, index) => `${namePrefix}${index + 1}`);
}

function refusal(why: string, next: string): UserError {
  const what = 'cannot create the virtual SIMs';
  return new UserError('usage', { what, why, next: ['Nothing was created or changed.', next] });
}
