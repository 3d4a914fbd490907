import type { ZodMiniType } from 'zod/mini';
import { authAnswer, type AuthResponse } from '../client/responses.js';
import type { ApiRequest } from '../client/channel.js';
import type { KnownSecrets } from './known-secrets.js';
import { authOperation, SWITCH_USER, type ApiOperation } from '../client/operations.js';
import type { SignIn } from './sign-in.js';

/** Makes a call and parses its response. A call without a token is made without authentication. */
export type Call = <T>(
  operation: ApiOperation,
  schema: ZodMiniType<T>,
  request: ApiRequest,
  token: AuthResponse | undefined,
) => Promise<T>;

interface PastSignIn {
  readonly as: SignIn;
  readonly tokenTimeoutSeconds: number;
}

/** A signed-in API session, with the credentials for renewing it. */
export class Session {
  readonly #secrets: KnownSecrets;
  #token: AuthResponse | undefined;
  #signIn: PastSignIn | undefined;
  #renewal: Promise<void> | undefined;

  /** @param secrets receives each secret before it is sent, and each token that the API issues */
  constructor(secrets: KnownSecrets) {
    this.#secrets = secrets;
  }

  get token(): AuthResponse | undefined {
    return this.#token;
  }

  /** @throws ApiError; the session is then signed out */
  async begin(as: SignIn, tokenTimeoutSeconds: number, call: Call): Promise<void> {
    this.end();
    this.#token = await this.#obtain(as, tokenTimeoutSeconds, call);
    this.#signIn = { as, tokenTimeoutSeconds };
  }

  end(): void {
    this.#token = undefined;
    this.#signIn = undefined;
  }

  /** False after a sign-in with a one-time password, because it cannot be used twice. */
  get canRenew(): boolean {
    return this.#signIn !== undefined && this.#signIn.as.mfaOtpCode === undefined;
  }

  /**
   * Signs in again to replace a refused token. Calls whose tokens were refused at the same time
   * share one sign-in.
   * @throws ApiError; the old token is then kept
   */
  async renew(refused: AuthResponse | undefined, call: Call): Promise<void> {
    if (this.#token !== refused || this.#signIn === undefined) return;
    this.#renewal ??= this.#replace(this.#signIn, call).finally(() => {
      this.#renewal = undefined;
    });
    await this.#renewal;
  }

  async #replace(signIn: PastSignIn, call: Call): Promise<void> {
    const token = await this.#obtain(signIn.as, signIn.tokenTimeoutSeconds, call);
    // Discard the new token if the caller signed out or in again meanwhile.
    if (this.#signIn === signIn) this.#token = token;
  }

  async #obtain(as: SignIn, tokenTimeoutSeconds: number, call: Call): Promise<AuthResponse> {
    this.#secrets.add(...secretsOf(as));
    const body = authRequest(as, tokenTimeoutSeconds);
    const token = await call(authOperation(as), authAnswer, { path: '/auth', body }, undefined);
    this.#secrets.add(token.apiKey, token.token);
    if (as.switchUser === undefined) return token;
    const { operatorId, userName, tokenTimeoutSeconds: timeout } = as.switchUser;
    const user = { operatorId, userName, ...(timeout && { tokenTimeoutSeconds: timeout }) };
    const request = { path: '/auth/switch_user', body: user };
    const switched = await call(SWITCH_USER, authAnswer, request, token);
    this.#secrets.add(switched.apiKey, switched.token);
    return switched;
  }
}

/**
 * Builds the API's AuthRequest. For an auth key, the members are in the same order as in soratun.
 */
function authRequest(signIn: SignIn, tokenTimeoutSeconds: number): object {
  return {
    ...identity(signIn),
    tokenTimeoutSeconds,
    ...(signIn.mfaOtpCode && { mfaOTPCode: signIn.mfaOtpCode.expose() }),
  };
}

function identity(signIn: SignIn): object {
  switch (signIn.kind) {
    case 'auth-key':
      return { authKeyId: signIn.authKeyId, authKey: signIn.authKey.expose() };
    case 'root-user':
      return { email: signIn.email, password: signIn.password.expose() };
    case 'sam-user':
      return {
        operatorId: signIn.operatorId,
        userName: signIn.userName,
        password: signIn.password.expose(),
      };
  }
}

function secretsOf(signIn: SignIn) {
  const secret = signIn.kind === 'auth-key' ? signIn.authKey : signIn.password;
  return signIn.mfaOtpCode ? [secret, signIn.mfaOtpCode] : [secret];
}
