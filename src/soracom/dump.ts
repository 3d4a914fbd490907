/**
 * Formats requests and responses for SORACOM_VERBOSE, between soratun's banners, with all secrets
 * hidden. Unlike soratun, arctun also shows the sign-in, with its secrets hidden.
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
 * Formats an HTTP request for the dump.
 *
 * @param hiddenHeaders lowercase names of headers whose values are always hidden
 * @returns lines that each end with a newline
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

/**
 * Formats an HTTP response for the dump.
 *
 * @returns lines that each end with a newline
 */
export function dumpResponse({ status, headers, body }: HttpResponse): string {
  const lines = Object.entries(headers).map(([name, value]) => headerLine(name, value));
  const statusLine = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return between(RESPONSE_BANNERS, [statusLine, ...lines], body);
}

/**
 * Passes a string to the caller's callback and ignores the callback's errors, so that a response
 * with a key is never lost.
 */
export function tell(callback: ((text: string) => void) | undefined, text: () => string): void {
  try {
    callback?.(text());
  } catch {
    // Ignore the error, so that the response is not lost.
  }
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
