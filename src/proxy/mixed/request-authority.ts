/** Parses the target of an HTTP proxy request: absolute-form, or authority-form for CONNECT. */
import type { DialTarget } from '../dialer.js';
import type { ClientHead } from '../http/client/client-message.js';
import type { Destination } from '../http/exchange-context.js';
import type { ForwardFailure } from '../http/failure.js';
import { readTargetHost } from '../target-host.js';

const HTTP_PORT = 80;

/** The absolute-form of RFC 9112 3.2.2. */
const ABSOLUTE_FORM = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)/;

/** The authority of RFC 3986 3.2 without userinfo, which RFC 9110 4.2.4 treats as an error. */
const AUTHORITY = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]@]+))(?::(\d{0,5}))?$/;

/** Returns the target of an absolute-form request, and the request target to send to it. */
export function proxiedDestination({
  url = '',
  method = '',
}: ClientHead): Destination | ForwardFailure {
  const [, scheme, authority = ''] = ABSOLUTE_FORM.exec(url) ?? [];
  if (scheme === undefined) {
    // A web page can also make its browser send such a request, but the request is never forwarded.
    return badRequest('this port is a proxy: the request must contain the target, as http://HOST/');
  }
  if (scheme.toLowerCase() !== 'http') {
    return badRequest('only http:// URLs are supported here: use CONNECT for other URLs');
  }
  const target = readAuthority(authority, HTTP_PORT);
  if (target === undefined)
    return badRequest('the request target does not contain a valid host and port');
  return { target, path: originTarget(url, method) };
}

/** Returns the target of a CONNECT request (RFC 9112 3.2.3). */
export function connectTarget({ url = '' }: ClientHead): DialTarget | ForwardFailure {
  return readAuthority(url, 0) ?? badRequest('a CONNECT request must have a host and a port');
}

/**
 * Parses `host`, `host:port` and `[IPv6]:port`; undefined for any other string.
 *
 * @param defaultPort the port if `text` does not contain one; 0 if it must contain a port
 */
export function readAuthority(text: string, defaultPort: number): DialTarget | undefined {
  const [, bracketed, plain = '', digits = ''] = AUTHORITY.exec(text) ?? [];
  const isIpv6 = bracketed?.includes(':') === true;
  if (bracketed !== undefined && !isIpv6) return undefined;
  const host = readTargetHost(bracketed ?? plain);
  const port = digits === '' ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

function badRequest(message: string): ForwardFailure {
  return { reason: 'bad-request', message };
}

/**
 * The request target for the upstream request line (RFC 9112 3.2), with the same bytes as the
 * client's. Nothing is decoded, resolved or normalized, because only the target decides what `//x`,
 * `%2F` and `/a/../b` mean.
 *
 * A client that uses the forwarder as its HTTP proxy sends the absolute form. It is converted to
 * origin form with its path and query unchanged.
 */
export function originTarget(target: string, method: string): string {
  const match = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*(.*)$/.exec(target);
  if (match === null) return target;
  const rest = match[1] ?? '';
  // RFC 9112 3.2.4: OPTIONS for the whole server.
  if (rest === '') return method === 'OPTIONS' ? '*' : '/';
  return rest.startsWith('/') ? rest : `/${rest}`;
}
