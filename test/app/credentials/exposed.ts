import { Secret } from '../../../src/lib/secrets/secret.js';
import type { UserError } from '../../../src/lib/errors/user-error.js';

/** A value with its secrets exposed, for comparison. */
export function exposed(value: unknown): unknown {
  if (value instanceof Secret) return value.expose();
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, exposed(one)]));
}

/** The error that a promise rejects with. */
export async function refusal(promise: Promise<unknown>): Promise<UserError> {
  return promise.then(
    () => {
      throw new Error('nothing was refused');
    },
    (error: unknown) => error as UserError,
  );
}
