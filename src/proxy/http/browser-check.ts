/**
 * Which requests a web page may have made a browser send here. Without this check, each page that the user
 * visits could send messages as this SIM: a browser sends forms, images and WebSockets to any address.
 *
 * A browser says who asks in fields that a page cannot set: Host (RFC 9112 3.2), Origin (RFC 6454 7),
 * Sec-Fetch-Site (Fetch Metadata) and Referer (RFC 9110 10.1.3). Other programs send none but Host.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

import type { HeaderField } from './header-fields.js';

export interface BrowserPolicy {
  /** Names in lower case, besides IP addresses, localhost and *.soracom.io. */
  readonly hosts: readonly string[];
  /** Origins of web pages, as browsers write them, or `*` for all. */
  readonly origins: readonly string[];
  /** GET and HEAD send and change nothing here, so a browser need not say who asks for them. */
  readonly areReadsFree?: boolean;
}

/** A browser may send what its user asks for here, and a page may send what goes to its own origin. */
export const CLOSED_TO_PAGES: BrowserPolicy = { hosts: [], origins: [] };

/** The head of a request, as Node has parsed it. */
export interface RequestHead {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/**
 * - `passed`: the request may go on. A page of `corsOrigin` may read the answer
 * - `preflight`: a browser asks whether a page of `corsOrigin`, which is allowed, may send a request
 * - `refused`: nothing may be done
 */
export type BrowserVerdict =
  | { readonly kind: 'passed'; readonly corsOrigin?: string }
  | { readonly kind: 'preflight'; readonly corsOrigin: string }
  | BrowserRefusal;

export interface BrowserRefusal {
  readonly kind: 'refused';
  readonly reason: 'bad-request' | 'foreign-host' | 'foreign-origin' | 'icon';
  readonly message: string;
}

/** The status for each reason. RFC 9110 15.5.20: 421 is for a host that this server does not answer for. */
export const REFUSAL_STATUS: Readonly<Record<BrowserRefusal['reason'], number>> = {
  'bad-request': 400,
  'foreign-host': 421,
  'foreign-origin': 403,
  icon: 404,
};

export function browserVerdict(head: RequestHead, policy: BrowserPolicy): BrowserVerdict {
  // RFC 9112 3.2.2: a browser sends the absolute form to a proxy that its user has chosen, and to no other.
  if (isAbsoluteForm(head.url)) return { kind: 'passed' };
  if (isIconRequest(head) && !policy.origins.includes('*')) return ICON_REFUSED;
  const { host = '' } = head.headers;
  return hostRefusal(host, policy) ?? originVerdict(head, host.toLowerCase(), policy);
}

/** A browser asks for the icon of each document that it shows, an error page of ours included. */
function isIconRequest({ url, headers }: RequestHead): boolean {
  return url === '/favicon.ico' && headers['sec-fetch-dest'] === 'image';
}

const ICON_REFUSED = refused(
  'icon',
  'a browser asked for an icon by itself: no message was sent for it',
);

function isAbsoluteForm(target = ''): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(target);
}

/**
 * Stops DNS rebinding: an attacker's name that leads to this machine is a page's own origin, so that the page may
 * even read the answers. An IP address and the names here lead nowhere that an attacker could choose.
 */
function hostRefusal(host: string, { hosts }: BrowserPolicy): BrowserRefusal | undefined {
  // A client of HTTP/1.0 may send none; a browser always does.
  if (host === '') return undefined;
  const name = hostName(host);
  // RFC 9112 3.2: a server has to answer an invalid Host with 400.
  if (name === undefined) return refused('bad-request', 'the Host field holds no host name');
  if (isIP(name) !== 0 || OWN_NAME.test(name) || hosts.includes(name)) return undefined;
  const flag = `--allow-host ${shown(name)} (ARCTUN_ALLOW_HOST)`;
  const why = `the host name ${shown(name)} is not allowed here`;
  return refused('foreign-host', `${why}: to allow it, restart with ${flag}`);
}

/** RFC 6761 6.3: the names of localhost lead to this machine alone. */
const OWN_NAME = /^(?:.+\.)?(?:localhost|soracom\.io)$/;

/** RFC 3986 3.2.2 and RFC 9110 7.2: an IPv6 address in brackets, or a name or IPv4 address, and a port. */
const HOST = /^(?:\[([^[\]]+)\]|((?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+))(?::\d*)?$/;

function hostName(host: string): string | undefined {
  const [, bracketed, plain] = HOST.exec(host) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? bracketed : undefined;
  return plain?.toLowerCase().replace(/\.$/, '');
}

function originVerdict(
  { method = '', headers }: RequestHead,
  host: string,
  policy: BrowserPolicy,
): BrowserVerdict {
  const { origin, referer } = headers;
  const asker = origin ?? originOf(referer);
  const isPreflight = method === 'OPTIONS' && 'access-control-request-method' in headers;
  if (policy.origins.includes('*') || policy.origins.includes(asker ?? '')) {
    if (origin !== undefined)
      return { kind: isPreflight ? 'preflight' : 'passed', corsOrigin: origin };
    return PASSED;
  }
  if (isPreflight) return foreign(asker);
  return siteVerdict({ method, headers }, asker === `http://${host}` ? 'own' : asker, policy);
}

/** @param asker an origin that was not allowed, or ours; undefined where the browser names none */
function siteVerdict(
  { method = '', headers }: RequestHead,
  asker: string | undefined,
  { areReadsFree = false }: BrowserPolicy,
): BrowserVerdict {
  switch (headers['sec-fetch-site']) {
    // The user asks: the address bar, a bookmark. A page can have a browser prefetch an address, or fetch the issuer of
    // a certificate, with `none` as well: those are no navigations, or say so in Sec-Purpose and Referer.
    case 'none':
      return isTyped(headers) && (asker === undefined || asker === 'own') ? PASSED : foreign(asker);
    case 'same-origin': {
      // The origin is null where a page of ours sends no Referer.
      const { origin } = headers;
      return origin === undefined || origin === 'null' || asker === 'own' ? PASSED : foreign(asker);
    }
    case undefined:
      if (asker === 'own') return PASSED;
      if (asker !== undefined) return foreign(asker);
      if (areReadsFree && (method === 'GET' || method === 'HEAD')) return PASSED;
      return isBrowser(headers) ? foreign(undefined) : PASSED;
    // `same-site` as well: another port of this machine may be any program's. A request of ours that another site
    // has redirected is `cross-site`.
    default:
      return foreign(asker === 'own' ? undefined : asker);
  }
}

const PASSED: BrowserVerdict = { kind: 'passed' };

/** Whether a browser goes to an address because its user asked for it (Fetch Metadata 2.2 and 2.4, Fetch 3.7). */
function isTyped(headers: IncomingHttpHeaders): boolean {
  const isAhead = 'sec-purpose' in headers || 'purpose' in headers || 'x-moz' in headers;
  return headers['sec-fetch-mode'] === 'navigate' && headers.origin === undefined && !isAhead;
}

/**
 * An old browser, and any at an address that is not loopback, leaves Sec-Fetch-Site out; a page can have it leave
 * Origin and Referer out as well. The two fields here remain. Few programs besides browsers send both.
 */
function isBrowser(headers: IncomingHttpHeaders): boolean {
  const { 'user-agent': agent = '', 'accept-language': language } = headers;
  return agent.startsWith('Mozilla/') && language !== undefined;
}

/** The origin of the page that a Referer names; undefined where it names none. */
function originOf(referer: string | undefined): string | undefined {
  if (referer === undefined || !URL.canParse(referer)) return undefined;
  const { origin } = new URL(referer);
  // RFC 9110 10.1.3: a browser may send about:blank for what its user typed.
  return origin === 'null' ? undefined : origin;
}

function foreign(asker: string | undefined): BrowserRefusal {
  const isNamed = asker !== undefined && asker !== 'null';
  const page = isNamed ? `a web page of ${shown(asker)}` : 'a web page without a known origin';
  const flag = `--allow-origin ${isNamed ? shown(asker) : "'*'"} (ARCTUN_ALLOW_ORIGIN)`;
  const message = `${page} must not send requests here: to allow it, restart with ${flag}`;
  return refused('foreign-origin', message);
}

function refused(reason: BrowserRefusal['reason'], message: string): BrowserRefusal {
  return { kind: 'refused', reason, message };
}

/** It goes into the log: no bytes that a terminal could take for a command, and no end of space. */
function shown(text: string): string {
  const isPlain = /^[A-Za-z0-9.:/[\]_-]{1,100}$/.test(text);
  return isPlain ? text : 'NAME';
}

/** The fields that let a page of an origin read an answer (Fetch 3.3.3). */
export function corsFields(origin: string): HeaderField[] {
  return [
    ['Access-Control-Allow-Origin', origin],
    ['Vary', 'Origin'],
  ];
}

/**
 * The fields of the answer to a preflight, which is 204, names and values in turn. It is answered here, because the
 * target would count it as a message.
 */
export function preflightFields({ headers }: RequestHead, origin: string): string[] {
  const { 'access-control-request-method': method, 'access-control-request-headers': names } =
    headers;
  return [
    ...corsFields(origin).flat(),
    ...(method === undefined ? [] : ['Access-Control-Allow-Methods', method]),
    ...(names === undefined ? [] : ['Access-Control-Allow-Headers', names]),
  ];
}
