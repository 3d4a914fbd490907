import { UserError } from '../../src/lib/errors/user-error.js';

/** The UserError that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<UserError> {
  const outcome: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof UserError) return outcome;
  throw new Error('no UserError', { cause: outcome });
}
