import type { Secret } from '../../lib/secrets/secret.js';

export const AUTH_KEY_ID_PREFIX = 'keyId-';
export const AUTH_KEY_PREFIX = 'secret-';

/**
 * Explains why a pair cannot be an auth key. Only the prefixes of the format are known. A wrong
 * prefix often means that the ID and the key were swapped.
 *
 * @returns the wrong half and the reason; undefined if both prefixes are correct
 */
export function authKeyFault(
  authKeyId: string,
  authKey: Secret<string>,
): { readonly half: 'authKeyId' | 'authKey'; readonly why: string } | undefined {
  if (!authKeyId.startsWith(AUTH_KEY_ID_PREFIX)) {
    const why = `the auth key ID must begin with "${AUTH_KEY_ID_PREFIX}"`;
    return { half: 'authKeyId', why };
  }
  if (!authKey.expose().startsWith(AUTH_KEY_PREFIX)) {
    return { half: 'authKey', why: `the auth key must begin with "${AUTH_KEY_PREFIX}"` };
  }
  return undefined;
}
