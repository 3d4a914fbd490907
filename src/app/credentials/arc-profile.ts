import type { ArcProfile } from '../../arc-config/arc-config.js';
import type { Credentials } from '../../soracom/auth/sign-in.js';

/**
 * The profile of arc.json that holds these credentials, for `--save-profile`.
 * @returns undefined where soratun's profile cannot hold them: it knows auth keys alone
 */
export function arcProfileOf({ signIn, endpoint }: Credentials): ArcProfile | undefined {
  if (signIn.kind !== 'auth-key' || signIn.switchUser !== undefined) return undefined;
  const { authKeyId, authKey } = signIn;
  return { authKeyId, authKey, endpoint, unknownKeys: [] };
}
