import type { Secret } from '../../lib/secrets/secret.js';

export const AUTH_KEY_ID_PREFIX = 'keyId-';
export const AUTH_KEY_PREFIX = 'secret-';

/**
 * Why a pair cannot be an auth key. Its prefixes are all that is known of its form; a wrong one is
 * often the other half.
 *
 * @returns undefined when nothing speaks against it
 */
export function authKeyFault(authKeyId: string, authKey: Secret<string>): string | undefined {
  if (!authKeyId.startsWith(AUTH_KEY_ID_PREFIX)) {
    return `the auth key ID does not begin with "${AUTH_KEY_ID_PREFIX}"`;
  }
  if (!authKey.expose().startsWith(AUTH_KEY_PREFIX)) {
    return `the auth key does not begin with "${AUTH_KEY_PREFIX}"`;
  }
  return undefined;
}
