/** Parses a header field that is given on the command line. */
import { isFieldValue, isToken } from '../../lib/text/http-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';
import { isHopByHop } from '../http/header-fields.js';

/**
 * Fields that describe the framing or transfer of one message, so that no fixed value is correct.
 */
const OF_ONE_MESSAGE: ReadonlySet<string> = new Set(['content-length', 'expect']);

/**
 * Parses `Name: value`. The value is everything after the first colon, trimmed. It may contain
 * colons or be empty.
 *
 * @throws UserError of kind `usage`
 */
export function parseHeaderFlag(text: string): [name: string, value: string] {
  const colon = text.indexOf(':');
  if (colon < 0) throw refusal(text, 'the header must contain a colon');
  const name = text.slice(0, colon);
  const value = text.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '');
  if (!isToken(name)) throw refusal(name, 'the name must be a valid header name');
  if (isHopByHop(name)) throw refusal(name, 'this header applies only to a single connection');
  if (OF_ONE_MESSAGE.has(name.toLowerCase())) {
    throw refusal(name, 'this header is set for each request automatically');
  }
  // Omit the value from the error, because it may be a credential.
  if (!isFieldValue(value))
    throw refusal(name, 'the value contains a character that HTTP does not allow');
  return [name, value];
}

function refusal(text: string, why: string): UserError {
  return new UserError('usage', {
    what: `cannot add the header ${JSON.stringify(text)}`,
    why,
    next: ['Use the form --header "X-Device: sensor 1".'],
  });
}
