import { Secret } from '../../lib/secrets/secret.js';

/** An auth key as one source gives it: whole, one half of it, or nothing. */
export interface AuthKeyHalves {
  readonly authKeyId?: string;
  readonly authKey?: Secret<string>;
}

/** The halves that hold something; whitespace around them is nobody's. */
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
 * `held`, completed by a source of lower rank. A key and its ID belong together, so a source gives
 * one half only where it holds nothing else for the other.
 */
export function completed(held: AuthKeyHalves, lower: AuthKeyHalves): AuthKeyHalves {
  if (contradict(held.authKeyId, lower.authKeyId)) return held;
  if (contradict(held.authKey?.expose(), lower.authKey?.expose())) return held;
  return { ...lower, ...held };
}

function contradict(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
