/** Signs in to the SORACOM API for as long as some work takes. */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import type { Credentials } from '../../soracom/auth/sign-in.js';
import type { SoracomApi } from '../../soracom/soracom-api.js';

export interface SignInPorts<Api> {
  /** Says who signs in, given arc.json's own profile. */
  credentials(profile: ArcProfile | undefined): Promise<Credentials>;
  createClient(credentials: Credentials, signal?: AbortSignal): Api;
  /** Told what is being done, for people who wait. */
  onStep?(step: string): void;
}

/** As soratun's: enough for some calls, and of no use to a thief later. */
const TOKEN_TIMEOUT_SECONDS = 300;

/**
 * @param signal stops the work; it rejects with the signal's reason
 * @throws MissingCredentialsError, ApiError, and whatever `work` throws
 */
export async function signedIn<Api extends Pick<SoracomApi, 'auth' | 'logout'>, Result>(
  profile: ArcProfile | undefined,
  ports: SignInPorts<Api>,
  signal: AbortSignal | undefined,
  work: (api: Api, credentials: Credentials) => Promise<Result>,
): Promise<Result> {
  const credentials = await ports.credentials(profile);
  signal?.throwIfAborted();
  ports.onStep?.('Signing in');
  const api = ports.createClient(credentials, signal);
  await api.auth(credentials.signIn, TOKEN_TIMEOUT_SECONDS);
  try {
    return await work(api, credentials);
  } finally {
    // Also after a stop. The token dies by itself: that it cannot be revoked is no failure of ours.
    await api.logout().catch(() => undefined);
  }
}
