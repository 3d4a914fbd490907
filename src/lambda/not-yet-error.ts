import { UserError } from '../lib/errors/user-error.js';

/** The error for a value that may become readable during this or a later invocation. */
export class NotYetError extends UserError {
  override readonly name = 'NotYetError';
}
