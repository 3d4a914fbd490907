import { UserError } from '../lib/errors/user-error.js';
import type { Silence } from '../lib/silence.js';

/**
 * - a Silence: the Arc server is silent, and why
 * - `not-connected`: the tunnel is up, and the connection inside it failed
 * - `closing`: the tunnel was closed meanwhile
 */
export type TunnelFailure = Silence | 'not-connected' | 'closing';

/** The tunnel could not be had or was lost. */
export class TunnelError extends UserError {
  override readonly name = 'TunnelError';
  readonly reason: TunnelFailure;

  constructor(
    reason: TunnelFailure,
    text: { what: string; why: string; next?: readonly string[] },
    options?: ErrorOptions,
  ) {
    super('tunnel', text, options);
    this.reason = reason;
  }
}

/** TunnelError with a reason that is a silence. */
export interface SilenceError extends TunnelError {
  readonly reason: Silence;
}

/** There will be no handshake. */
export function closingLink(): TunnelError {
  return new TunnelError('closing', {
    what: 'no handshake with the Arc server',
    why: 'the tunnel is closing',
  });
}

/** It has come too late. */
export function notReconfigured(): TunnelError {
  return new TunnelError('closing', {
    what: 'the tunnel did not apply the new configuration',
    why: 'the tunnel is closing',
  });
}
