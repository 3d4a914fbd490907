import { type FailureKind, UserError } from '../lib/errors/user-error.js';
import { isDenied } from '../lib/errors/error-message.js';
import { listenFault } from '../lib/errors/listen-fault.js';
import { formatAuthority, type ListenAddress } from './listen-address.js';

/**
 * Says why a port cannot be had, and what helps: kind `permission` for a missing privilege, else `failed`.
 *
 * @param flag the one that chooses another port
 */
export function listenError(
  listen: ListenAddress,
  flag: string,
  error: NodeJS.ErrnoException,
): UserError {
  const what = `cannot listen on ${formatAuthority(listen)}`;
  const fail = (kind: FailureKind, why: string | undefined, next: string) =>
    new UserError(kind, { what, why: why ?? error.message, next: [next] }, { cause: error });
  const reason = listenFault(error.code);
  if (error.code === 'EADDRINUSE') {
    const other = `Stop it, or choose another port with ${flag} (0 takes any free one).`;
    return fail('failed', reason, other);
  }
  if (isDenied(error)) return fail('permission', reason, 'Choose a port of 1024 or above.');
  return fail('failed', undefined, 'Choose an address of this machine.');
}
