import type { Secret } from '../../lib/secrets/secret.js';

/** Who signs in, in one of the three forms of AuthRequest, and whom they then act as. */
export type SignIn = (AuthKeySignIn | RootUserSignIn | SamUserSignIn) & {
  /** The one-time password of a second factor. */
  readonly mfaOtpCode?: Secret<string>;
  /** Changes to a user of another operator after signing in (`switchUser`). */
  readonly switchUser?: SwitchUser;
};

/** An auth key of a SAM user or of the root user. */
export interface AuthKeySignIn {
  readonly kind: 'auth-key';
  /** Begins with `keyId-`. */
  readonly authKeyId: string;
  /** Begins with `secret-`. */
  readonly authKey: Secret<string>;
}

export interface RootUserSignIn {
  readonly kind: 'root-user';
  readonly email: string;
  readonly password: Secret<string>;
}

export interface SamUserSignIn {
  readonly kind: 'sam-user';
  /** `OP` and ten digits. */
  readonly operatorId: string;
  readonly userName: string;
  readonly password: Secret<string>;
}

export interface SwitchUser {
  readonly operatorId: string;
  readonly userName: string;
  /** 180 to 3600; 3600 when absent. */
  readonly tokenTimeoutSeconds?: number;
}

/** All that is needed to reach the API as somebody. */
export interface Credentials {
  readonly signIn: SignIn;
  /** Base URL of the API, without `/v1`. */
  readonly endpoint: string;
  /** Headers that a profile adds to each request. */
  readonly headers: Readonly<Record<string, string>>;
}
