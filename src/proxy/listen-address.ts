/** Where a proxy listens, and who may reach it there. */
import { BlockList, isIP } from 'node:net';

import { UserError } from '../lib/errors/user-error.js';

export interface ListenAddress {
  /** An IP address in text form without brackets, or a host name. */
  readonly host: string;
  /** 0 to 65535; 0 takes any free port. */
  readonly port: number;
}

/** What a port alone means: a listener that is open to others is asked for by its address. */
const DEFAULT_HOST = '127.0.0.1';

/** `[IPv6]:port`, `host:port`, `:port` or `port`. */
const LISTEN_ADDRESS = /^(?:\[([^\]]*)\]:|([^:[\]]*):)?(\d{1,5})$/;

const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;

/**
 * Reads `127.0.0.1:8888`, `[::1]:8888`, `localhost:8888`; `:8888` and `8888` listen on 127.0.0.1.
 *
 * @throws UserError of kind `usage`
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits] = LISTEN_ADDRESS.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) throw notAnAddress(text);
  if (bracketed !== undefined) {
    if (isIP(bracketed) !== 6) throw notAnAddress(text);
    return { host: bracketed, port };
  }
  const host = plain === undefined || plain === '' ? DEFAULT_HOST : plain;
  // Digits and dots are meant as an address: a resolver would make its own sense of `127.1`.
  const isAddress = isIP(host) === 4;
  if (!isAddress && (/^[\d.]+$/.test(host) || !HOST_NAME.test(host))) throw notAnAddress(text);
  return { host, port };
}

function notAnAddress(text: string): UserError {
  return new UserError('usage', {
    what: `cannot listen on ${JSON.stringify(text)}`,
    why: 'this is not ADDRESS:PORT with a port from 0 to 65535',
    next: ['Write it like 127.0.0.1:8888, or [::1]:8888 for IPv6.'],
  });
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine can reach a listener: 127.0.0.0/8, ::1, `localhost` (RFC 6761 6.3). */
export function isLoopback(host: string): boolean {
  switch (isIP(host)) {
    case 4:
      return LOOPBACK.check(host, 'ipv4');
    case 6:
      return LOOPBACK.check(host, 'ipv6');
    default:
      return host.toLowerCase() === 'localhost';
  }
}

/**
 * Refuses a listener that others can reach, unless it was asked for.
 *
 * @param risk what they could do there; with a proxy, they speak with the identity of this SIM
 * @throws UserError of kind `usage`
 */
export function requireLoopback(
  host: string,
  allowOpen: boolean,
  risk = 'whoever can reach it could send data as this SIM',
): void {
  if (allowOpen || isLoopback(host)) return;
  throw new UserError('usage', {
    what: `refused to listen on ${host}`,
    why: `it is not a loopback address: ${risk}`,
    next: ['Listen on 127.0.0.1.', 'Or add --allow-open if that is what you want.'],
  });
}

/** `host:port` as a URL and a Host header have it; IPv6 in brackets (RFC 3986 3.2.2). */
export function formatAuthority({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
