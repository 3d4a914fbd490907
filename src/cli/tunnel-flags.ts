import { isIP } from 'node:net';

import { UserError } from '../lib/user-error.js';
import type { Flags } from './flag.js';

/** The Unified Endpoint: its address has never changed, but may. */
export const UNIFIED_ENDPOINT = '100.127.69.42';

/** What every command that opens a tunnel takes. */
export const tunnelFlags = {
  mode: {
    type: 'choice',
    description:
      'Where the tunnel ends: at a network interface (tun) or in userspace; auto takes an interface where it may, and no flag asks for what userspace alone has.',
    options: ['auto', 'tun', 'userspace'],
    default: 'auto',
    env: 'ARCTUN_MODE',
  },
  wait: {
    type: 'integer',
    description: 'Seconds to wait for the first handshake; 0 waits for ever.',
    default: 20,
    min: 0,
    env: 'ARCTUN_WAIT',
  },
  'forward-to': {
    type: 'string',
    description: 'Where messages go inside the tunnel, as ADDRESS or ADDRESS:PORT.',
    default: `${UNIFIED_ENDPOINT}:80`,
    env: 'ARCTUN_FORWARD_TO',
  },
} as const satisfies Flags;

/** What a command takes that carries streams. */
export const congestionFlag = {
  congestion: {
    type: 'choice',
    description: 'How TCP inside the tunnel shares the path with others.',
    options: ['bbr', 'cubic', 'reno'],
    default: 'bbr',
    env: 'ARCTUN_CONGESTION',
  },
} as const satisfies Flags;

/**
 * Reads `ADDRESS[:PORT]` or `[IPv6]:PORT`.
 *
 * @param defaultPort for when the port is left out
 * @throws UserError of kind `usage`
 */
export function parseTarget(text: string, defaultPort = 80): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3] ?? defaultPort);
  if (host === undefined || isIP(host) === 0 || port < 1 || port > 65_535) {
    throw new UserError('usage', {
      what: `cannot use --forward-to ${text}`,
      why: 'expected an IP address and a port, such as 100.127.69.42:80',
      next: ['Give its address: names are for the proxy alone.'],
    });
  }
  return { host, port };
}
