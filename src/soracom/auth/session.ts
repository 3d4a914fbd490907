import type { z } from 'zod';
import { authAnswer, type AuthResponse } from '../client/responses.js';
import type { ApiRequest } from '../client/channel.js';
import type { KnownSecrets } from './known-secrets.js';
import { authOperation, SWITCH_USER, type ApiOperation } from '../client/operations.js';
import type { SignIn } from './sign-in.js';

/** Makes a call and reads its answer; without a token it is nobody's call. */
export type Call = <T>(
  operation: ApiOperation,
  schema: z.ZodType<T>,
  request: ApiRequest,
  token: AuthResponse | undefined,
) => Promise<T>;

interface PastSignIn {
  readonly as: SignIn;
  readonly tokenTimeoutSeconds: number;
}

/** Who is signed in, and how they would be again. */
export class Session {
  readonly #secrets: KnownSecrets;
  #token: AuthResponse | undefined;
  #signIn: PastSignIn | undefined;
  #renewal: Promise<void> | undefined;

  /** @param secrets is told of each secret before it is sent, and of each token that came */
  constructor(secrets: KnownSecrets) {
    this.#secrets = secrets;
  }

  get token(): AuthResponse | undefined {
    return this.#token;
  }

  /** @throws ApiError; nobody is signed in then */
  async begin(as: SignIn, tokenTimeoutSeconds: number, call: Call): Promise<void> {
    this.end();
    this.#token = await this.#obtain(as, tokenTimeoutSeconds, call);
    this.#signIn = { as, tokenTimeoutSeconds };
  }

  end(): void {
    this.#token = undefined;
    this.#signIn = undefined;
  }

  /** A one-time password cannot be used twice, so who signed in with one cannot do so again. */
  get canRenew(): boolean {
    return this.#signIn !== undefined && this.#signIn.as.mfaOtpCode === undefined;
  }

  /**
   * Signs in again in place of a token that was refused. Calls whose tokens were refused at the
   * same time share one sign-in.
   * @throws ApiError; the old token stays
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
    // Whoever signed out or in meanwhile is not overruled.
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

/** AuthRequest of the API; for an auth key the members stand as soratun sends them. */
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
