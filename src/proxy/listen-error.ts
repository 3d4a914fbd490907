import { UserError } from '../lib/user-error.js';
import { formatAuthority, type ListenAddress } from './listen-address.js';

/**
 * Says why a port cannot be had, and what helps: kind `permission` for EACCES, else `failed`.
 *
 * @param flag the one that chooses another port
 */
export function listenError(
  listen: ListenAddress,
  flag: string,
  error: NodeJS.ErrnoException,
): UserError {
  const what = `cannot listen on ${formatAuthority(listen)}`;
  const cause = { cause: error };
  if (error.code === 'EADDRINUSE') {
    const next = [`Stop it, or choose another port with ${flag} (0 takes any free one).`];
    return new UserError('failed', { what, why: 'this port is in use', next }, cause);
  }
  if (error.code === 'EACCES') {
    const next = ['Choose a port of 1024 or above.'];
    return new UserError('permission', { what, why: 'this port needs a privilege', next }, cause);
  }
  const next = ['Choose an address of this machine.'];
  return new UserError('failed', { what, why: error.message, next }, cause);
}
