/** Chooses the credentials and the endpoint for the SORACOM API. */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import { withSetting } from '../../lib/errors/from-setting.js';
import { UserError } from '../../lib/errors/user-error.js';
import { authKeyFault } from '../../soracom/auth/auth-key.js';
import type { AuthKeySignIn, Credentials } from '../../soracom/auth/sign-in.js';
import { authKeyEndpoint, chosenConnection, profileEndpoint } from './api-endpoint.js';
import { readAuthKeyFile } from './auth-key-file.js';
import { type AuthKeyHalves, completed } from './credential-choice.js';
import {
  type CredentialChoice,
  type CredentialSource,
  credentialSources,
  type HalfSettings,
  refuseTwoWays,
} from './credential-choice.js';
import type { CredentialPorts } from './profile-credentials.js';
import { MissingCredentialsError } from './missing-credentials.js';
import { DEFAULT_PROFILE, hasDefaultProfile, profileCredentials } from './profile-credentials.js';

/**
 * Chooses by rank: command-line options, then environment variables, then the profile in arc.json.
 * Never uses an account that the user did not specify, because that account would be billed.
 *
 * @param arcProfile the profile of an existing arc.json
 * @param signal stops a running `profileCommand`; the promise rejects with the abort reason
 * @throws MissingCredentialsError that lists every missing part
 * @throws UserError of kind `usage` for an invalid key, coverage type or URL, or several sign-ins
 * @throws UserError of another kind for a file, a profile or its command
 */
export async function resolveCredentials(
  choice: CredentialChoice,
  arcProfile: ArcProfile | undefined,
  ports: CredentialPorts,
  signal?: AbortSignal,
): Promise<Credentials> {
  refuseTwoWays(choice);
  const chosen = chosenConnection(choice, ports.env);
  const sources = credentialSources(choice, arcProfile, ports.env);
  const found = await firstSource(sources, ports);
  if (found.kind === 'profile') {
    const profile = profileCredentials(found.name, ports, signal);
    const { signIn, headers, connection } = await naming(found.setting, profile);
    return { signIn, headers, endpoint: profileEndpoint(chosen, connection) };
  }
  const { authKeyId, authKey } = found.halves;
  const endpoint = authKeyEndpoint(chosen, arcProfile, authKey);
  if (authKeyId === undefined || authKey === undefined || endpoint === undefined) {
    throw await missingCredentials(found, endpoint, ports);
  }
  const signIn = authKeySignIn({ authKeyId, authKey }, found.settings);
  return { signIn, endpoint, headers: {} };
}

type FoundCredentials =
  | Extract<CredentialSource, { kind: 'profile' }>
  | {
      readonly kind: 'auth-key';
      readonly halves: AuthKeyHalves;
      readonly settings: Partial<HalfSettings>;
      /** The settings that could have completed the auth key, but belong to another one. */
      readonly others: Partial<HalfSettings>;
    };

/**
 * Returns the first profile, or the first auth key after completing it from lower-ranked sources.
 */
async function firstSource(
  sources: readonly CredentialSource[],
  ports: CredentialPorts,
): Promise<FoundCredentials> {
  let held: AuthKeyHalves = {};
  let settings: Partial<HalfSettings> = {};
  let others: Partial<HalfSettings> = {};
  for (const source of sources) {
    const isEmpty = Object.keys(held).length === 0;
    if (source.kind === 'profile') {
      if (isEmpty) return source;
      // A profile is never used to complete an auth key.
      continue;
    }
    const found = source.kind === 'auth-key' ? source : await readFile(source, ports);
    const more = completed(held, found.halves);
    if (more === held) others = { ...found.settings, ...others };
    settings = {
      ...(held.authKeyId !== more.authKeyId && { authKeyId: found.settings.authKeyId }),
      ...(held.authKey !== more.authKey && { authKey: found.settings.authKey }),
      ...settings,
    };
    held = more;
    if (held.authKeyId !== undefined && held.authKey !== undefined) break;
  }
  return { kind: 'auth-key', halves: held, settings, others };
}

async function readFile(
  { path, setting }: Extract<CredentialSource, { kind: 'auth-key-file' }>,
  { privateFiles }: CredentialPorts,
): Promise<{ halves: AuthKeyHalves; settings: HalfSettings }> {
  const halves = await naming(setting, readAuthKeyFile(path, privateFiles));
  return { halves, settings: { authKeyId: setting, authKey: setting } };
}

/** Names the setting in the errors of an action. */
async function naming<T>(setting: string, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw withSetting(setting, error);
  }
}

async function missingCredentials(
  {
    halves: { authKeyId, authKey },
    others,
  }: Pick<Extract<FoundCredentials, { kind: 'auth-key' }>, 'halves' | 'others'>,
  endpoint: string | undefined,
  ports: CredentialPorts,
): Promise<MissingCredentialsError> {
  const isOffered = authKeyId === undefined && authKey === undefined;
  return new MissingCredentialsError(
    [
      ...(authKeyId === undefined ? (['auth-key-id'] as const) : []),
      ...(authKey === undefined ? (['auth-key'] as const) : []),
      ...(endpoint === undefined ? (['coverage-type'] as const) : []),
    ],
    isOffered && (await hasDefaultProfile(ports)) ? DEFAULT_PROFILE : undefined,
    authKeyId === undefined ? others.authKeyId : others.authKey,
  );
}

function authKeySignIn(
  { authKeyId, authKey }: Required<AuthKeyHalves>,
  settings: Partial<HalfSettings>,
): AuthKeySignIn {
  const fault = authKeyFault(authKeyId, authKey);
  if (fault === undefined) return { kind: 'auth-key', authKeyId, authKey };
  const error = new UserError('usage', {
    what: 'cannot sign in to SORACOM',
    why: fault.why,
    next: ['Check that the auth key ID and the auth key are not swapped.'],
  });
  const setting = settings[fault.half];
  throw setting === undefined ? error : withSetting(setting, error);
}
