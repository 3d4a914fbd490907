/** Reads the time of the SORACOM API. */
import { parseHttpDate } from './http-date.js';
import { exchange } from './transport.js';

/** The timeout in milliseconds for each of the connection and the response. */
const TIMEOUT = 5_000;

/**
 * Sends a request without credentials, and reads the Date of the response (RFC 9110 6.6.1),
 * whatever its status.
 *
 * @param endpoint the base URL, without `/v1`
 * @returns Unix milliseconds; undefined if the response has no valid Date
 * @throws TransportError; the abort reason
 */
export async function readServerTime(
  endpoint: string,
  userAgent: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const request = {
    method: 'GET' as const,
    url: `${endpoint}/v1/`,
    headers: { 'User-Agent': userAgent },
  };
  const { headers } = await exchange(request, { connect: TIMEOUT, whole: TIMEOUT }, signal);
  return parseHttpDate(headers.date ?? '');
}
