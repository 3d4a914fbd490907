import { isFieldValue, isToken } from '../../lib/text/http-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';

/**
 * The headers that a profile cannot set:
 *
 * - Headers that the client sets. Some of them determine the response format, and with another
 *   user's token, the calls would run as that user.
 * - Headers that frame a message or control a connection (RFC 9112 6, RFC 9110 7.6.1). A wrong
 *   value would split one request into two, or make it invalid.
 */
const RESERVED = new Set([
  'accept',
  'accept-encoding',
  'content-type',
  'user-agent',
  'x-soracom-lang',
  'x-soracom-api-key',
  'x-soracom-token',
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Explains why HTTP does not allow a header, without repeating the value, which may be a secret.
 * @returns undefined if the header is allowed
 */
export function headerFault(name: string, value: string): string | undefined {
  if (!isToken(name)) return 'the name must be a valid header name';
  return isFieldValue(value)
    ? undefined
    : 'the value contains characters that a header cannot contain';
}

/**
 * Returns a profile's headers without the reserved ones. If a name occurs twice, the last value is
 * used.
 * @throws UserError of kind `configuration` if HTTP does not allow a name or a value; the message
 * does not repeat the value, which may be a secret
 */
export function addableHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const addable = new Map<string, [string, string]>();
  for (const [name, value] of Object.entries(headers)) {
    const fault = headerFault(name, value);
    if (fault !== undefined) throw invalidHeader(name, fault);
    if (!RESERVED.has(name.toLowerCase())) addable.set(name.toLowerCase(), [name, value]);
  }
  return Object.fromEntries(addable.values());
}

function invalidHeader(name: string, why: string): UserError {
  return new UserError('configuration', {
    what: `cannot send the header ${JSON.stringify(name)} in the profile`,
    why,
    next: ['Correct `headers` in the profile.'],
  });
}
