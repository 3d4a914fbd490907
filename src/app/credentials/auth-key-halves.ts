import { Secret } from '../../lib/secrets/secret.js';

/** An auth key as one source gives it: its ID, its secret, both or neither. */
export interface AuthKeyHalves {
  readonly authKeyId?: string;
  readonly authKey?: Secret<string>;
}

/** Returns the non-empty halves, without surrounding whitespace. */
export function authKeyHalves(given: {
  readonly authKeyId: string | undefined;
  readonly authKey: Secret<string> | undefined;
}): AuthKeyHalves {
  const authKeyId = given.authKeyId?.trim() ?? '';
  const authKey = given.authKey?.expose().trim() ?? '';
  return {
    ...(authKeyId !== '' && { authKeyId }),
    ...(authKey !== '' && { authKey: new Secret(authKey) }),
  };
}

/**
 * Completes `held` from a lower-ranked source. A key and its ID belong together, so the source adds
 * a half only if its other half does not contradict `held`.
 */
export function completed(held: AuthKeyHalves, lower: AuthKeyHalves): AuthKeyHalves {
  if (contradict(held.authKeyId, lower.authKeyId)) return held;
  if (contradict(held.authKey?.expose(), lower.authKey?.expose())) return held;
  return { ...lower, ...held };
}

function contradict(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
