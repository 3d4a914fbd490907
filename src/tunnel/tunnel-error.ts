import type { SilenceReason } from '../engine/engine.js';
import { UserError } from '../lib/user-error.js';

/** Why the Arc server is silent: what the device knows, and what only the tunnel can. */
export type TunnelSilence = SilenceReason | 'name-not-found' | 'cannot-send';

/**
 * - a TunnelSilence: the Arc server is silent, and why
 * - `not-connected`: the tunnel is up, and the connection inside it failed
 * - `closing`: the tunnel was closed meanwhile
 */
export type TunnelFailure = TunnelSilence | 'not-connected' | 'closing';

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
  readonly reason: TunnelSilence;
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
    what: 'the tunnel has not taken over another configuration',
    why: 'the tunnel is closing',
  });
}
