import type { ArcProfile } from '../../arc-config/arc-config.js';
import type { Credentials } from '../../soracom/auth/sign-in.js';

/**
 * Converts the credentials to a profile for arc.json, for `--save-profile`.
 * @returns undefined if soratun's profile format cannot express them; it supports only auth keys
 */
export function arcProfileOf({ signIn, endpoint }: Credentials): ArcProfile | undefined {
  if (signIn.kind !== 'auth-key' || signIn.switchUser !== undefined) return undefined;
  const { authKeyId, authKey } = signIn;
  return { authKeyId, authKey, endpoint, unknownKeys: [] };
}
