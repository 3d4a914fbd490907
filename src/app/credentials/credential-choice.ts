import type { CredentialEnvironment } from '../../lib/secrets/credential-variables.js';
import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { ArcProfile } from '../../arc-config/arc-config.js';
import { type AuthKeyHalves, authKeyHalves } from './auth-key-halves.js';

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
  /** Base URL of the API, without `/v1`. */
  readonly endpoint?: string | undefined;
}

export type CredentialSource =
  | { readonly kind: 'auth-key'; readonly halves: AuthKeyHalves }
  | { readonly kind: 'auth-key-file'; readonly path: string }
  | { readonly kind: 'profile'; readonly name: string };

/** Lists the sources with a value, highest rank first, as in docs/reference/credentials.md. */
export function credentialSources(
  choice: CredentialChoice,
  arcProfile: ArcProfile | undefined,
  env: CredentialEnvironment,
): CredentialSource[] {
  return [
    ...keySource(choice.authKeyId, choice.authKey),
    ...fileSource(choice.authKeyFile),
    ...profileSource(choice.profile),
    ...keySource(env.ARCTUN_AUTH_KEY_ID, secretOf(env.ARCTUN_AUTH_KEY)),
    ...keySource(env.SORACOM_AUTH_KEY_ID, secretOf(env.SORACOM_AUTH_KEY)),
    ...fileSource(env.ARCTUN_AUTH_KEY_FILE),
    ...profileSource(env.ARCTUN_PROFILE),
    ...profileSource(env.SORACOM_PROFILE),
    ...keySource(arcProfile?.authKeyId, arcProfile?.authKey),
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

function keySource(
  authKeyId: string | undefined,
  authKey: Secret<string> | undefined,
): CredentialSource[] {
  const halves = authKeyHalves({ authKeyId, authKey });
  return Object.keys(halves).length === 0 ? [] : [{ kind: 'auth-key', halves }];
}

function fileSource(path: string | undefined): CredentialSource[] {
  return isPresent(path) ? [{ kind: 'auth-key-file', path }] : [];
}

function profileSource(name: string | undefined): CredentialSource[] {
  return isPresent(name) ? [{ kind: 'profile', name }] : [];
}

function secretOf(text: string | undefined): Secret<string> | undefined {
  return text === undefined ? undefined : new Secret(text);
}
