/** Describes a failed dial for the protocols that report it to their clients. */
import type { Silence } from '../lib/silence.js';
import { DialError, type DialFailure } from './dialer.js';

/** The reason for the failure; `dial-failed` if the dialer did not give one. */
export interface FailedDial {
  readonly reason: DialFailure | 'dial-failed';
  readonly message: string;
  /** The cause of the tunnel's silence, if the reason is `no-handshake` or `timeout`. */
  readonly silence?: Silence | undefined;
  /** After how many seconds to try again, if the reason is `over-budget`. */
  readonly retryAfter?: number | undefined;
}

/** Whether waiting does not help, because the tunnel's configuration or the name must change. */
export function isFutile(reason: string): boolean {
  return reason === 'no-route' || reason === 'no-such-name';
}

/** Converts an error that a Dialer has thrown. */
export function failedDial(error: unknown): FailedDial {
  if (error instanceof DialError) {
    const { reason, message, silence, retryAfter } = error;
    return { reason, message, ...(silence && { silence }), ...(retryAfter && { retryAfter }) };
  }
  const message = error instanceof Error ? error.message : 'the dialer did not report a reason';
  return { reason: 'dial-failed', message };
}
