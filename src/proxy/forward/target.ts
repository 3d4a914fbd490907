/** Parses the target of a forwarder. */
import { isIP } from 'node:net';

import { redactText } from '../../lib/secrets/secret-shapes.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { DialTarget } from '../dialer.js';

/** The address of the Unified Endpoint, which has not changed so far. */
export const UNIFIED_ENDPOINT = '100.127.69.42';

/**
 * Parses `ADDRESS[:PORT]` or `[IPv6]:PORT`.
 *
 * @param defaultPort the port if `text` contains none
 * @param setting the flag or setting to name in error messages
 * @throws UserError of kind `usage`
 */
export function parseTarget(text: string, defaultPort = 80, setting = '--forward-to'): DialTarget {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? defaultPort);
  if (host === undefined || isIP(host) === 0 || port < 1 || port > 65_535) {
    throw new UserError('usage', {
      what: `cannot use ${setting}=${redactText(text)}`,
      why: 'the target must be an IP address and a port, such as 100.127.69.42:80',
      next: ["Use the target's IP address: only the proxy resolves names."],
    });
  }
  return { host, port };
}
