import { Secret } from '../../lib/secrets/secret.js';

/** The parts of an auth key that a source contains: its ID, its secret, both or neither. */
export interface AuthKeyHalves {
  readonly authKeyId?: string;
  readonly authKey?: Secret<string>;
}

/** Trims the halves of an auth key and omits empty ones. */
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
 * Adds missing halves to `held` from a lower-ranked source. A key and its ID belong together, so
 * the lower source is ignored if one of its halves contradicts `held`.
 */
export function completed(held: AuthKeyHalves, lower: AuthKeyHalves): AuthKeyHalves {
  if (contradict(held.authKeyId, lower.authKeyId)) return held;
  if (contradict(held.authKey?.expose(), lower.authKey?.expose())) return held;
  return { ...lower, ...held };
}

function contradict(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
