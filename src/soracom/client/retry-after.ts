import { parseHttpDate } from './http-date.js';
import type { HttpResponse } from './transport.js';

/** The longest accepted pause: one year, in milliseconds. */
const LONGEST = 365 * 24 * 3600 * 1000;

/**
 * Returns the pause that the server asks for (Retry-After, RFC 9110 10.2.3), in milliseconds.
 *
 * A date is compared with the response's `Date` header, because this machine's clock may be wrong
 * by years. Without a `Date` header, a Retry-After date is ignored.
 *
 * @returns undefined if the response does not ask for a pause
 */
export function retryAfter({ headers }: Pick<HttpResponse, 'headers'>): number | undefined {
  const text = headers['retry-after']?.trim();
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, LONGEST);
  const until = parseHttpDate(text);
  const answered = parseHttpDate(headers.date ?? '');
  if (until === undefined || answered === undefined) return undefined;
  return Math.min(Math.max(until - answered, 0), LONGEST);
}
