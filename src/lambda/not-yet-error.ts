import { UserError } from '../lib/errors/user-error.js';

/** A value that cannot be read now, but perhaps during this or a later invocation. */
export class NotYetError extends UserError {
  override readonly name = 'NotYetError';
}
