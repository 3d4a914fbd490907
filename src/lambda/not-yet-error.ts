import { UserError } from '../lib/errors/user-error.js';

/** What cannot be read now, and may be while an invocation runs, or in a later one. */
export class NotYetError extends UserError {
  override readonly name = 'NotYetError';
}
