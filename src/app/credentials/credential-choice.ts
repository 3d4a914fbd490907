import type { CredentialEnvironment } from '../../lib/secrets/credential-variables.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { ArcProfile } from '../../arc-config/arc-config.js';

/** Options from the command line; an empty string means that the option is absent. */
export interface CredentialChoice {
  readonly authKeyId?: string | undefined;
  readonly authKey?: Secret<string> | undefined;
  /** A path; `-` for standard input. */
  readonly authKeyFile?: string | undefined;
  /** The name of a soracom-cli profile. */
  readonly profile?: string | undefined;
  /** `g`, `global`, `jp` or `japan`. */
  readonly coverage?: string | undefined;
  /** The API's base URL, without `/v1`. */
  readonly endpoint?: string | undefined;
}

/** The settings that hold the halves of an auth key. */
export type HalfSettings = Readonly<Record<keyof AuthKeyHalves, string>>;

/** A source of credentials, and the flag, variable or member of arc.json that names it. */
export type CredentialSource =
  | { readonly kind: 'auth-key'; readonly halves: AuthKeyHalves; readonly settings: HalfSettings }
  | { readonly kind: 'auth-key-file'; readonly path: string; readonly setting: string }
  | { readonly kind: 'profile'; readonly name: string; readonly setting: string };

/** Lists the sources with a value, highest rank first, as in docs/reference/credentials.md. */
export function credentialSources(
  choice: CredentialChoice,
  arcProfile: ArcProfile | undefined,
  env: CredentialEnvironment,
): CredentialSource[] {
  return [
    ...keySource(choice, { authKeyId: '--auth-key-id', authKey: '--auth-key' }),
    ...fileSource('--auth-key-file', choice.authKeyFile),
    ...profileSource('--profile', choice.profile),
    ...keyVariables('ARCTUN_AUTH_KEY_ID', 'ARCTUN_AUTH_KEY', env),
    ...keyVariables('SORACOM_AUTH_KEY_ID', 'SORACOM_AUTH_KEY', env),
    ...fileSource('ARCTUN_AUTH_KEY_FILE', env.ARCTUN_AUTH_KEY_FILE),
    ...profileSource('ARCTUN_PROFILE', env.ARCTUN_PROFILE),
    ...profileSource('SORACOM_PROFILE', env.SORACOM_PROFILE),
    ...keySource(arcProfile ?? {}, ARC_JSON),
  ];
}

/**
 * Rejects two ways to sign in on one command line, because a SIM is billed to the account used. An
 * auth key ID with its key or key file is one way.
 * @throws UserError of kind `usage`
 */
export function refuseTwoWays(choice: CredentialChoice): void {
  const hasFile = isPresent(choice.authKeyFile);
  const ways = [
    ...(isPresent(choice.authKeyId) && !hasFile ? ['--auth-key-id'] : []),
    ...(isPresent(choice.authKey?.expose()) ? ['--auth-key'] : []),
    ...(hasFile ? ['--auth-key-file'] : []),
    ...(isPresent(choice.profile) ? ['--profile'] : []),
  ];
  const keyFlags = new Set(['--auth-key-id', '--auth-key']);
  if (ways.length < 2 || ways.every((way) => keyFlags.has(way))) return;
  throw new UserError('usage', {
    what: 'cannot choose how to sign in to SORACOM',
    why: `${ways.join(' and ')} cannot be used together`,
    next: ['Choose one: an auth key, a file that contains an auth key, or a profile.'],
  });
}

export function isPresent(text: string | undefined): text is string {
  return text !== undefined && text.trim() !== '';
}

const ARC_JSON = {
  authKeyId: 'profile.authKeyId in arc.json',
  authKey: 'profile.authKey in arc.json',
};

function keySource(
  { authKeyId, authKey }: Pick<CredentialChoice, 'authKeyId' | 'authKey'>,
  settings: HalfSettings,
): CredentialSource[] {
  const halves = authKeyHalves({ authKeyId, authKey });
  return Object.keys(halves).length === 0 ? [] : [{ kind: 'auth-key', halves, settings }];
}

function keyVariables(
  authKeyId: keyof CredentialEnvironment,
  authKey: keyof CredentialEnvironment,
  env: CredentialEnvironment,
): CredentialSource[] {
  const secret = env[authKey];
  const given = {
    authKeyId: env[authKeyId],
    authKey: secret === undefined ? undefined : new Secret(secret),
  };
  return keySource(given, { authKeyId, authKey });
}

function fileSource(setting: string, path: string | undefined): CredentialSource[] {
  return isPresent(path) ? [{ kind: 'auth-key-file', path, setting }] : [];
}

function profileSource(setting: string, name: string | undefined): CredentialSource[] {
  return isPresent(name) ? [{ kind: 'profile', name, setting }] : [];
}

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
