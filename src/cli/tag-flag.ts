import { UserError } from '../lib/user-error.js';
import type { SimTag } from '../soracom/soracom-api.js';

/**
 * A value of `--tag`, `NAME=VALUE`; the value may hold further equals signs and may be empty.
 * @throws UserError of kind `usage`
 */
export function parseTagFlag(text: string): SimTag {
  const equals = text.indexOf('=');
  if (equals > 0) return { tagName: text.slice(0, equals), tagValue: text.slice(equals + 1) };
  throw new UserError('usage', {
    what: `cannot use --tag ${text}`,
    why: 'it is not NAME=VALUE',
    next: ['For example: --tag site=osaka'],
  });
}
