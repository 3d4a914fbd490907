import type { DialError, DialFailure } from '../../proxy/dialer.js';
import { TunnelError } from '../../tunnel/tunnel-error.js';

/** The failures that usually depend on the target. */
const TARGET_FAILURES = new Set<DialFailure>([
  'no-such-name',
  'no-route',
  'refused',
  'unreachable',
  'timeout',
]);

/**
 * Explains a failed dial to the user.
 *
 * @param what what failed, in one clause
 * @param advice what to do if the failure depends on the target
 * @param host the host that `what` names; the reason does not repeat it
 */
export function dialFailure(
  error: DialError,
  what: string,
  advice: string,
  host = '',
): TunnelError {
  const usual = TARGET_FAILURES.has(error.reason) ? [advice] : [];
  const { reason = 'not-connected', next = usual } =
    error.cause instanceof TunnelError ? error.cause : {};
  const prefix = `${host}: `;
  const { message } = error;
  const why = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  return new TunnelError(reason, { what, why, next, cause: error });
}
