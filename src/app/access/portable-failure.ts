/** Converts the error of a dial for another process, and back. */
import { SILENCES } from '../../lib/silence.js';
import { DialError, failedDial } from '../../proxy/dialer.js';
import { isDialFailure, type Refusal } from '../../proxy/shared/requests.js';
import { TunnelError, type TunnelFailure } from '../../tunnel/tunnel-error.js';

/** Describes the error with everything that the messages of the commands show. */
export function describeFailure(error: unknown): Refusal {
  const { reason, message, silence } = failedDial(error);
  const { cause } = error as { readonly cause?: unknown };
  return {
    error: message,
    reason,
    ...(silence && { silence }),
    ...(cause instanceof TunnelError && {
      tunnel: { reason: cause.reason, what: cause.what, why: cause.why, next: cause.next },
    }),
  };
}

/**
 * Recreates the error from a refusal.
 *
 * @param holder the process that refused: `arctun up (pid 4711)`
 */
export function failureFrom(reply: Readonly<Record<string, unknown>>, holder: string): Error {
  const { error, reason } = reply;
  if (typeof error !== 'string') return unsupported(holder);
  if (reason === 'dial-failed' || reason === 'bad-request') return new Error(error);
  if (!isDialFailure(reason)) return unsupported(holder);
  const silence = SILENCES.find((known) => known === reply.silence);
  const cause = tunnelErrorFrom(reply.tunnel);
  return new DialError(reason, error, { ...(cause && { cause }), silence });
}

/** The error if the process does not know the request. */
function unsupported(holder: string): DialError {
  return new DialError('not-ready', otherVersion(holder), {
    cause: new TunnelError('not-connected', {
      what: 'cannot use the open tunnel',
      why: otherVersion(holder),
      next: ['Restart it with the arctun version of this command.'],
    }),
  });
}

/** Says that a process cannot share its tunnel with this version of arctun. */
export function otherVersion(holder: string): string {
  return `${holder} is another version of arctun, which cannot share its tunnel`;
}

const TUNNEL_FAILURES = new Set<string>([...SILENCES, 'not-connected', 'closing', 'over-budget']);

function tunnelErrorFrom(value: unknown): TunnelError | undefined {
  const { reason, what, why, next } = (value ?? {}) as Record<string, unknown>;
  const isKnown = typeof reason === 'string' && TUNNEL_FAILURES.has(reason);
  if (!isKnown || typeof what !== 'string' || typeof why !== 'string') return undefined;
  const steps = Array.isArray(next) ? next.filter((step) => typeof step === 'string') : [];
  return new TunnelError(reason as TunnelFailure, { what, why, next: steps });
}
