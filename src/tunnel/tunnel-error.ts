import { UserError } from '../lib/user-error.js';

/** The tunnel could not be had or was lost. */
export class TunnelError extends UserError {
  override readonly name = 'TunnelError';

  constructor(
    text: { what: string; why: string; next?: readonly string[] },
    options?: ErrorOptions,
  ) {
    super('tunnel', text, options);
  }
}
