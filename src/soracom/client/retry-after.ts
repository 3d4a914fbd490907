import { parseHttpDate } from './http-date.js';
import type { HttpResponse } from './transport.js';

/** A year: what asks for more is no better understood. */
const LONGEST = 365 * 24 * 3600 * 1000;

/**
 * How long the server asks to wait (RFC 9110 10.2.3), in milliseconds.
 *
 * A date is held against the answer's own `Date`, for this machine's clock may be wrong by years;
 * without one it says nothing.
 *
 * @returns undefined where the answer does not say
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
