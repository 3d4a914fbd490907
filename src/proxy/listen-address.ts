/** Parses listening addresses and checks who can reach them. */
import { BlockList, isIP } from 'node:net';

import { UserError } from '../lib/errors/user-error.js';
import { bracketed, formatAuthority } from '../lib/text/http-syntax.js';

export interface ListenAddress {
  /** An IP address in text form without brackets, or a host name. */
  readonly host: string;
  /** 0 to 65535; 0 selects any free port. */
  readonly port: number;
}

/** The host if only a port is given. Listening for other machines requires an explicit address. */
const DEFAULT_HOST = '127.0.0.1';

/** Matches `[IPv6]:port`, `host:port`, `:port` and `port`. */
const LISTEN_ADDRESS = /^(?:\[([^\]]*)\]:|([^:[\]]*):)?(\d{1,5})$/;

const HOST_NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/;

/**
 * Parses `127.0.0.1:8888`, `[::1]:8888`, `localhost:8888`; `:8888` and `8888` mean 127.0.0.1.
 *
 * @param usualPort the port that the advice shows, which differs for each listener
 * @param otherwise advice besides an address
 * @throws UserError of kind `usage`
 */
export function parseListenAddress(
  text: string,
  usualPort: number,
  otherwise: readonly string[] = [],
): ListenAddress {
  const [, bracketed, plain, digits] = LISTEN_ADDRESS.exec(text) ?? [];
  const port = Number(digits);
  const fault = () => notAnAddress(text, usualPort, otherwise);
  if (digits === undefined || port > 65_535) throw fault();
  if (bracketed !== undefined) {
    if (isIP(bracketed) !== 6) throw fault();
    return { host: bracketed, port };
  }
  const host = plain === undefined || plain === '' ? DEFAULT_HOST : plain;
  // Digits and dots must form a full address, because resolvers interpret `127.1` differently.
  const isAddress = isIP(host) === 4;
  if (!isAddress && (/^[\d.]+$/.test(host) || !HOST_NAME.test(host))) throw fault();
  return { host, port };
}

function notAnAddress(text: string, usualPort: number, otherwise: readonly string[]): UserError {
  return new UserError('usage', {
    what: `cannot listen on ${JSON.stringify(text)}`,
    why: 'the address must have the form ADDRESS:PORT, with a port from 0 to 65535',
    next: [`Use the form 127.0.0.1:${usualPort}, or [::1]:${usualPort} for IPv6.`, ...otherwise],
  });
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine can reach a host: 127.0.0.0/8, ::1, `localhost` (RFC 6761 6.3). */
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
 * Rejects a listener that other machines can reach, unless the user allows it.
 *
 * @param risk what other machines could do through this port, such as use this SIM's identity
 * @param otherwise advice besides a loopback address and `--allow-open`
 * @throws UserError of kind `usage`
 */
export function requireLoopback(
  host: string,
  allowOpen: boolean,
  risk = 'anyone who can reach the address could send data as this SIM',
  otherwise: readonly string[] = [],
): void {
  if (allowOpen || isLoopback(host)) return;
  throw new UserError('usage', {
    what: `cannot listen on ${host}`,
    why: `this is not a loopback address, so ${risk}`,
    next: [
      'Listen on 127.0.0.1.',
      ...otherwise,
      'Or allow this address with --allow-open or ARCTUN_ALLOW_OPEN=true.',
    ],
  });
}

/** Formats the Host field, with brackets around IPv6 and without port 80 (RFC 9110 7.2). */
export function hostHeader(target: ListenAddress): string {
  return target.port === 80 ? bracketed(target.host) : formatAuthority(target);
}
