/** Parses a header field given on the command line. */
import { isFieldValue, isToken } from '../../lib/text/http-syntax.js';
import { UserError } from '../../lib/errors/user-error.js';
import { isHopByHop } from '../http/header-fields.js';

/**
 * Fields that describe one message's framing or transfer, so that no fixed value suits every
 * message.
 */
const OF_ONE_MESSAGE: ReadonlySet<string> = new Set(['content-length', 'expect']);

/**
 * Parses `Name: value`. The value is everything after the first colon, trimmed; it may contain
 * colons and may be empty.
 *
 * @throws UserError of kind `usage`
 */
export function parseHeaderFlag(text: string): [name: string, value: string] {
  const colon = text.indexOf(':');
  if (colon < 0) throw refusal(text, 'it has no colon');
  const name = text.slice(0, colon);
  const value = text.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '');
  if (!isToken(name)) throw refusal(name, 'its name is not a valid header name');
  if (isHopByHop(name)) throw refusal(name, 'this header applies to a single connection only');
  if (OF_ONE_MESSAGE.has(name.toLowerCase())) {
    throw refusal(name, 'this header is set for each request automatically');
  }
  // The value may be a credential, so the error omits it.
  if (!isFieldValue(value))
    throw refusal(name, 'its value contains a character that HTTP does not allow');
  return [name, value];
}

function refusal(text: string, why: string): UserError {
  return new UserError('usage', {
    what: `cannot add the header ${JSON.stringify(text)}`,
    why,
    next: ['Use the form --header "X-Device: sensor 1".'],
  });
}
