import { UserError, type UserErrorText } from '../lib/errors/user-error.js';
import type { Silence } from '../lib/silence.js';

/**
 * - a Silence: the reason why the Arc server is silent
 * - `not-connected`: the tunnel is up, but the connection inside it failed
 * - `closing`: the tunnel was closed during the operation
 * - `over-budget`: the traffic budget is used up
 */
export type TunnelFailure = Silence | 'not-connected' | 'closing' | 'over-budget';

/** The error if a tunnel could not be established or was lost. */
export class TunnelError extends UserError {
  override readonly name = 'TunnelError';
  readonly reason: TunnelFailure;

  constructor(reason: TunnelFailure, text: UserErrorText) {
    super('tunnel', text);
    this.reason = reason;
  }
}

/** A TunnelError whose reason is a silence. */
export interface SilenceError extends TunnelError {
  readonly reason: Silence;
}

/** Returns the error for a handshake wait that ends because the tunnel closes. */
export function closingLink(): TunnelError {
  return new TunnelError('closing', {
    what: 'no handshake with the Arc server',
    why: 'the tunnel is closing',
  });
}

/** Returns the error for a reconfiguration of a tunnel that has begun to close. */
export function notReconfigured(): TunnelError {
  return new TunnelError('closing', {
    what: 'the tunnel did not apply the new configuration',
    why: 'the tunnel is closing',
  });
}
