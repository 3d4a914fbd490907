import type { ArcProfile } from '../arc-config/arc-config.js';
import { Secret } from '../lib/secret.js';
import { UserError } from '../lib/user-error.js';
import { coverageEndpoint, parseEndpointUrl, resolveEndpoint } from '../soracom/coverage.js';

/** What the user chose by flag or environment; empty text counts as absent. */
export interface ChosenCredentials {
  readonly authKeyId?: string | undefined;
  readonly authKey?: Secret<string> | undefined;
  /** `g`, `global`, `jp` or `japan`. */
  readonly coverage?: string | undefined;
  /** Base URL of the API without `/v1`; ranks before the environment and the coverage. */
  readonly endpoint?: string | undefined;
}

export interface Credentials {
  readonly authKeyId: string;
  readonly authKey: Secret<string>;
  readonly endpoint: string;
}

/** What the user can be asked for. */
export type CredentialPart = 'auth-key-id' | 'auth-key' | 'coverage-type';

/** Credentials are incomplete; a command at a terminal can ask for what is missing. */
export class MissingCredentialsError extends UserError {
  override readonly name = 'MissingCredentialsError';
  readonly missing: readonly CredentialPart[];

  constructor(missing: readonly CredentialPart[]) {
    super('usage', {
      what: 'cannot sign in to SORACOM',
      why: `missing: ${missing.map((part) => DESCRIPTIONS[part]).join(', ')}`,
      next: missing.map((part) => `Give --${part}, or set ${ENVIRONMENT[part]}.`),
    });
    this.missing = missing;
  }
}

const DESCRIPTIONS: Readonly<Record<CredentialPart, string>> = {
  'auth-key-id': 'the auth key ID',
  'auth-key': 'the auth key',
  'coverage-type': 'the coverage type (g or jp)',
};

const ENVIRONMENT: Readonly<Record<CredentialPart, string>> = {
  'auth-key-id': 'ARCTUN_AUTH_KEY_ID',
  'auth-key': 'ARCTUN_AUTH_KEY',
  'coverage-type': 'ARCTUN_COVERAGE_TYPE',
};

/**
 * What the user chose wins, part by part; the profile of an existing arc.json fills in. A key and
 * its ID belong together, so the profile gives one only beside its own other half.
 *
 * @throws MissingCredentialsError naming all that is missing
 * @throws UserError of kind `usage` for text that cannot be a key, a coverage or a URL
 */
export function resolveCredentials(
  chosen: ChosenCredentials,
  profile: ArcProfile | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Credentials {
  const chosenId = chosen.authKeyId ?? '';
  const chosenKey = chosen.authKey?.expose() ?? '';
  const profileId = profile?.authKeyId ?? '';
  const profileKey = profile?.authKey.expose() ?? '';
  const authKeyId = chosenId || (isOneOf(chosenKey, profileKey) ? profileId : '');
  const authKey = chosenKey || (isOneOf(chosenId, profileId) ? profileKey : '');
  const endpoint = resolveEndpoint(chosen, env) ?? profileEndpoint(profile);
  if (authKeyId === '' || authKey === '' || endpoint === undefined) {
    throw new MissingCredentialsError([
      ...(authKeyId === '' ? (['auth-key-id'] as const) : []),
      ...(authKey === '' ? (['auth-key'] as const) : []),
      ...(endpoint === undefined ? (['coverage-type'] as const) : []),
    ]);
  }
  checkPrefix('auth key ID', authKeyId, 'keyId-');
  checkPrefix('auth key', authKey, 'secret-');
  return { authKeyId, authKey: new Secret(authKey), endpoint };
}

/** Whether the user's choice leaves the profile's value in force. */
function isOneOf(chosen: string, profileValue: string): boolean {
  return chosen === '' || chosen === profileValue;
}

/** In soratun a profile without an endpoint means Japan. */
function profileEndpoint(profile: ArcProfile | undefined): string | undefined {
  if (profile === undefined) return undefined;
  return profile.endpoint === '' ? coverageEndpoint('jp') : parseEndpointUrl(profile.endpoint);
}

/** The prefix is all that is known of a key's form; a wrong one is often the other half. */
function checkPrefix(name: string, value: string, prefix: string): void {
  if (value.startsWith(prefix)) return;
  throw new UserError('usage', {
    what: 'cannot sign in to SORACOM',
    why: `the ${name} does not begin with "${prefix}"`,
    next: ['Check that the auth key ID and the auth key are not exchanged.'],
  });
}
