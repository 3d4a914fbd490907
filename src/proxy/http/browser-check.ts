/**
 * Decides whether a web page may have made a browser send a request. Without this check, every page
 * that the user visits could send messages as this SIM, because a browser lets a page submit forms,
 * load images and open WebSockets at any address.
 *
 * A browser names the requesting page in fields that a page cannot set: Host (RFC 9112 3.2), Origin
 * (RFC 6454 7), Sec-Fetch-Site (Fetch Metadata) and Referer (RFC 9110 10.1.3). Other programs send
 * only Host.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';

import type { ClientHead } from './client/client-message.js';
import type { HeaderField } from './header-fields.js';

export interface BrowserPolicy {
  /** Allowed names in lower case, in addition to IP addresses, localhost and *.soracom.io. */
  readonly hosts: readonly string[];
  /** Allowed origins of web pages in the form that browsers send, or `*` for all. */
  readonly origins: readonly string[];
  /** Whether GET and HEAD have no side effects, so that they are allowed from any page. */
  readonly areReadsFree?: boolean;
}

/**
 * Allows only requests that the user makes directly in the browser, and requests from pages of the
 * same origin.
 */
export const CLOSED_TO_PAGES: BrowserPolicy = { hosts: [], origins: [] };

export type RequestHead = Pick<ClientHead, 'method' | 'url' | 'headers'>;

/**
 * - `passed`: the request may proceed. A page of `corsOrigin` may read the response
 * - `preflight`: an allowed CORS preflight for a page of `corsOrigin`
 * - `refused`: the request must not proceed
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

/**
 * The HTTP status for each reason. RFC 9110 15.5.20: 421 means that this server is not
 * authoritative for the host.
 */
export const REFUSAL_STATUS: Readonly<Record<BrowserRefusal['reason'], number>> = {
  'bad-request': 400,
  'foreign-host': 421,
  'foreign-origin': 403,
  icon: 404,
};

export function browserVerdict(head: RequestHead, policy: BrowserPolicy): BrowserVerdict {
  // RFC 9112 3.2.2: a browser sends the absolute form only to a proxy that its user has configured.
  if (isAbsoluteForm(head.url)) return { kind: 'passed' };
  if (isIconRequest(head) && !policy.origins.includes('*')) return ICON_REFUSED;
  const { host = '' } = head.headers;
  return hostRefusal(host, policy) ?? originVerdict(head, host.toLowerCase(), policy);
}

/**
 * Whether this is a browser's request for a favicon. Browsers send one for every document, even for
 * this proxy's error pages.
 */
function isIconRequest({ url, headers }: RequestHead): boolean {
  return url === '/favicon.ico' && headers['sec-fetch-dest'] === 'image';
}

const ICON_REFUSED = refused('icon', "a browser's request for a favicon was not sent as a message");

function isAbsoluteForm(target = ''): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(target);
}

/**
 * Stops DNS rebinding: if an attacker's name resolves to this machine, the attacker's page has the
 * same origin and could even read responses. An attacker cannot control IP addresses or the names
 * allowed here.
 */
function hostRefusal(host: string, { hosts }: BrowserPolicy): BrowserRefusal | undefined {
  // An HTTP/1.0 client may omit Host; a browser always sends it.
  if (host === '') return undefined;
  const name = hostName(host);
  // RFC 9112 3.2: a server has to answer a request with an invalid Host with 400.
  if (name === undefined)
    return refused('bad-request', 'the Host header does not contain a host name');
  if (isIP(name) !== 0 || OWN_NAME.test(name) || hosts.includes(name)) return undefined;
  const flag = `--allow-host ${shown(name)} (ARCTUN_ALLOW_HOST)`;
  const why = `the host name ${shown(name)} is not allowed here`;
  return refused('foreign-host', `${why}. To allow it, restart with ${flag}`);
}

/** RFC 6761 6.3: localhost names resolve only to this machine. */
const OWN_NAME = /^(?:.+\.)?(?:localhost|soracom\.io)$/;

/**
 * RFC 3986 3.2.2 and RFC 9110 7.2: an IPv6 address in brackets, or a name or IPv4 address, and an
 * optional port.
 */
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

/**
 * @param asker an origin that is not allowed, or `own`; undefined if the browser does not name an
 * origin
 */
function siteVerdict(
  { method = '', headers }: RequestHead,
  asker: string | undefined,
  { areReadsFree = false }: BrowserPolicy,
): BrowserVerdict {
  switch (headers['sec-fetch-site']) {
    // `none` means that the user made the request, through the address bar or a bookmark. A page
    // can also make a browser prefetch an address or fetch a certificate's issuer with `none`, but
    // such requests are not navigations, or have Sec-Purpose or Referer.
    case 'none':
      return isTyped(headers) && (asker === undefined || asker === 'own') ? PASSED : foreign(asker);
    case 'same-origin': {
      // If a page of this server does not send a Referer, Origin is `null`.
      const { origin } = headers;
      return origin === undefined || origin === 'null' || asker === 'own' ? PASSED : foreign(asker);
    }
    case undefined:
      if (asker === 'own') return PASSED;
      if (asker !== undefined) return foreign(asker);
      if (areReadsFree && (method === 'GET' || method === 'HEAD')) return PASSED;
      return isBrowser(headers) ? foreign(undefined) : PASSED;
    // This includes `same-site`, because any program may be listening on another port of this
    // machine. If another site redirects this page's own request, the value is `cross-site`.
    default:
      return foreign(asker === 'own' ? undefined : asker);
  }
}

const PASSED: BrowserVerdict = { kind: 'passed' };

/**
 * Whether a browser navigates because its user asked for it (Fetch Metadata 2.2 and 2.4, Fetch
 * 3.7).
 */
function isTyped(headers: IncomingHttpHeaders): boolean {
  const isAhead = 'sec-purpose' in headers || 'purpose' in headers || 'x-moz' in headers;
  return headers['sec-fetch-mode'] === 'navigate' && headers.origin === undefined && !isAhead;
}

/**
 * Whether a request looks like a browser's. Old browsers omit Sec-Fetch-Site, as do all browsers
 * for non-loopback addresses, and a page can suppress Origin and Referer. Few other programs send
 * both of the fields that are checked here.
 */
function isBrowser(headers: IncomingHttpHeaders): boolean {
  const { 'user-agent': agent = '', 'accept-language': language } = headers;
  return agent.startsWith('Mozilla/') && language !== undefined;
}

/** The origin of the page in a Referer; undefined if the Referer contains no origin. */
function originOf(referer: string | undefined): string | undefined {
  if (referer === undefined || !URL.canParse(referer)) return undefined;
  const { origin } = new URL(referer);
  // RFC 9110 10.1.3: a browser may send about:blank if its user typed the address.
  return origin === 'null' ? undefined : origin;
}

function foreign(asker: string | undefined): BrowserRefusal {
  const isNamed = asker !== undefined && asker !== 'null';
  const page = isNamed ? `a web page from ${shown(asker)}` : 'a web page without a known origin';
  const flag = `--allow-origin ${isNamed ? shown(asker) : "'*'"} (ARCTUN_ALLOW_ORIGIN)`;
  const message = `${page} is not allowed to send requests here. To allow it, restart with ${flag}`;
  return refused('foreign-origin', message);
}

function refused(reason: BrowserRefusal['reason'], message: string): BrowserRefusal {
  return { kind: 'refused', reason, message };
}

/** Makes a string safe for the log: no terminal control characters and at most 100 characters. */
function shown(text: string): string {
  const isPlain = /^[A-Za-z0-9.:/[\]_-]{1,100}$/.test(text);
  return isPlain ? text : 'NAME';
}

/** The response fields that let a page of an origin read the response (Fetch 3.3.3). */
export function corsFields(origin: string): HeaderField[] {
  return [
    ['Access-Control-Allow-Origin', origin],
    ['Vary', 'Origin'],
  ];
}

/**
 * The fields of the 204 response to a preflight, as alternating names and values. Preflights are
 * answered here, because the target would count them as messages.
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

/**
 * Checks a request. Answers a preflight. For other requests, lets the allowed pages read the
 * response.
 *
 * @returns undefined if the request may proceed
 */
export function checkBrowser(
  request: IncomingMessage,
  response: ServerResponse,
  policy: BrowserPolicy,
): BrowserRefusal | 'answered' | undefined {
  const verdict = browserVerdict(request, policy);
  if (verdict.kind === 'refused') return verdict;
  const { corsOrigin } = verdict;
  if (verdict.kind === 'preflight') {
    response.writeHead(204, preflightFields(request, verdict.corsOrigin)).end();
    return 'answered';
  }
  if (corsOrigin !== undefined) {
    for (const [name, value] of corsFields(corsOrigin)) response.setHeader(name, value);
  }
  return undefined;
}
