/** What became of a dial, for the protocols that tell it to their clients. */
import type { Silence } from '../lib/silence.js';
import { DialError, type DialFailure } from './dialer.js';

/** Why there is no connection; `dial-failed` where the dialer does not say why. */
export interface FailedDial {
  readonly reason: DialFailure | 'dial-failed';
  readonly message: string;
  /** Beside `no-handshake` and `timeout`, where it is the tunnel that is silent: why. */
  readonly silence?: Silence | undefined;
}

/** Names what a Dialer threw. */
export function failedDial(error: unknown): FailedDial {
  if (error instanceof DialError) {
    const { reason, message, silence } = error;
    return { reason, message, ...(silence && { silence }) };
  }
  const message = error instanceof Error ? error.message : 'the dialer gave no reason';
  return { reason: 'dial-failed', message };
}
