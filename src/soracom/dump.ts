/**
 * What SORACOM_VERBOSE shows: requests and answers between the banners that soratun prints, in
 * the manner of HTTP, with every secret hidden. soratun does not show its sign-in; here it can be
 * shown, for nothing in it is left in the clear.
 */
import { STATUS_CODES } from 'node:http';
import { REDACTED } from '../lib/secrets/secret.js';
import { redactNamed, redactText } from '../lib/secrets/secret-shapes.js';
import { redactBody, withoutControls } from './redact.js';
import type { HttpRequest, HttpResponse } from './client/transport.js';

const REQUEST_BANNERS = [
  '--- Request dump ---------------------------------',
  '--- End of request dump --------------------------',
] as const;
const RESPONSE_BANNERS = [
  '--- Response dump --------------------------------',
  '--- End of response dump -------------------------',
] as const;

/**
 * @param hiddenHeaders names, in lower case, of headers whose values are not shown at all
 * @returns lines, the last with its line break too
 */
export function dumpRequest(
  { method, url, headers, body = '' }: HttpRequest,
  hiddenHeaders: ReadonlySet<string> = new Set(),
): string {
  const { host, pathname, search } = new URL(url);
  const lines = Object.entries(headers).map(([name, value]) =>
    hiddenHeaders.has(name.toLowerCase()) ? `${name}: ${REDACTED}` : headerLine(name, value),
  );
  const target = redactText(`${pathname}${search}`);
  return between(
    REQUEST_BANNERS,
    [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines],
    body,
  );
}

/** @returns lines, the last with its line break too */
export function dumpResponse({ status, headers, body }: HttpResponse): string {
  const lines = Object.entries(headers).map(([name, value]) => headerLine(name, value));
  const statusLine = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return between(RESPONSE_BANNERS, [statusLine, ...lines], body);
}

function headerLine(name: string, value: string): string {
  return `${name}: ${redactNamed(name, value)}`;
}

function between(
  [begin, end]: readonly [string, string],
  head: readonly string[],
  body: string,
): string {
  return withoutControls([begin, ...head, '', redactBody(body), end, ''].join('\n'));
}
