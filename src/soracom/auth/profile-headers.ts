import { isFieldValue, isToken } from '../../lib/text/http-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';

/**
 * The headers that a profile cannot set. The client's own: what it says of itself, of the body and
 * of the language is what the answers are read by, and a token of somebody else would act as
 * somebody else. And those that frame a message or a connection (RFC 9112 6, RFC 9110 7.6.1): a
 * wrong one makes two requests of one, or none.
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
 * Why HTTP does not allow a header; the value may be a secret and is not repeated.
 * @returns undefined when it does
 */
export function headerFault(name: string, value: string): string | undefined {
  if (!isToken(name)) return 'it is no header name';
  return isFieldValue(value) ? undefined : 'its value has characters that a header cannot have';
}

/**
 * The headers of a profile without those that it cannot set; of two that differ in case the last.
 * @throws UserError of kind `configuration` for a name or a value that HTTP does not allow; the
 *   value may be a secret and is not repeated
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
    what: `cannot send the header ${JSON.stringify(name)} of the profile`,
    why,
    next: ['Correct `headers` in the profile.'],
  });
}
