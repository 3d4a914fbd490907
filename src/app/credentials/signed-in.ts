/** Signs in to the SORACOM API, runs a function and signs out. */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import type { Credentials } from '../../soracom/auth/sign-in.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';

export interface SignInPorts<Api> {
  /** Returns the credentials to use, given the profile in arc.json. */
  credentials(profile: ArcProfile | undefined): Promise<Credentials>;
  createClient(credentials: Credentials, signal?: AbortSignal): Api;
  /** Reports the current step to a waiting user. */
  onStep?(step: string): void;
  /** Runs the work when its turn has come, if many SIMs may sign in at the same time. */
  inTurn?<Result>(work: () => Promise<Result>): Promise<Result>;
}

/**
 * The same value as in soratun: long enough for a few calls, but short enough that a stolen token
 * soon expires.
 */
const TOKEN_TIMEOUT_SECONDS = 300;

/**
 * @param signal cancels the work; the promise rejects with the abort reason
 * @throws MissingCredentialsError, ApiError, and errors of `work`
 */
export function signedIn<Api extends Pick<SoracomApi, 'auth' | 'logout'>, Result>(
  profile: ArcProfile | undefined,
  ports: SignInPorts<Api>,
  signal: AbortSignal | undefined,
  work: (api: Api, credentials: Credentials) => Promise<Result>,
): Promise<Result> {
  const signIn = () => workSignedIn(profile, ports, signal, work);
  return ports.inTurn === undefined ? signIn() : ports.inTurn(signIn);
}

async function workSignedIn<Api extends Pick<SoracomApi, 'auth' | 'logout'>, Result>(
  profile: ArcProfile | undefined,
  ports: SignInPorts<Api>,
  signal: AbortSignal | undefined,
  work: (api: Api, credentials: Credentials) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted();
  const credentials = await ports.credentials(profile);
  signal?.throwIfAborted();
  ports.onStep?.('Signing in');
  const api = ports.createClient(credentials, signal);
  await api.auth(credentials.signIn, TOKEN_TIMEOUT_SECONDS);
  try {
    return await work(api, credentials);
  } finally {
    // Sign out even after a cancellation. Ignore failures, because the token expires anyway.
    await api.logout().catch(() => undefined);
  }
}

/**
 * Converts the credentials to a profile for arc.json, for `--save-profile`.
 * @returns undefined if soratun's profile format cannot express them; it supports only auth keys
 */
export function arcProfileOf({ signIn, endpoint }: Credentials): ArcProfile | undefined {
  if (signIn.kind !== 'auth-key' || signIn.switchUser !== undefined) return undefined;
  const { authKeyId, authKey } = signIn;
  return { authKeyId, authKey, endpoint, unknownKeys: [] };
}
