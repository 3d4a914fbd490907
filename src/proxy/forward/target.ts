/** Parses the target of a forwarder. */
import { redactText } from '../../lib/secrets/secret-shapes.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { DialTarget } from '../dialer.js';
import { readAuthority } from '../mixed/request-authority.js';

/** The address of the Unified Endpoint, which has not changed so far. */
export const UNIFIED_ENDPOINT = '100.127.69.42';

/**
 * Parses `HOST[:PORT]` or `[IPv6]:PORT`. A name is resolved inside the tunnel.
 *
 * @param defaultPort the port if `text` contains none
 * @param setting the flag or setting to name in error messages
 * @throws UserError of kind `usage`
 */
export function parseTarget(text: string, defaultPort = 80, setting = '--forward-to'): DialTarget {
  // A pasted key may look like a name, and must not be sent to a name server.
  const isPossible = !text.endsWith(':') && redactText(text) === text;
  const target = isPossible ? readAuthority(text, defaultPort) : undefined;
  if (target !== undefined) return target;
  throw new UserError('usage', {
    what: `cannot use ${setting}=${redactText(text)}`,
    why: 'the target must be an IP address or a name, and a port, such as 100.127.69.42:80',
    next: ['Use the form HOST:PORT, or [ADDRESS]:PORT for IPv6.'],
  });
}
