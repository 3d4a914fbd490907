import type { Secret } from '../../lib/secrets/secret.js';

/** The credentials in one of AuthRequest's three forms, and the user to switch to after sign-in. */
export type SignIn = (AuthKeySignIn | RootUserSignIn | SamUserSignIn) & {
  /** The one-time password of multi-factor authentication. */
  readonly mfaOtpCode?: Secret<string>;
  /** The user of another operator to switch to after signing in (`switchUser`). */
  readonly switchUser?: SwitchUser;
};

/** An auth key that belongs to a SAM user or to the root user. */
export interface AuthKeySignIn {
  readonly kind: 'auth-key';
  /** The ID of the auth key; begins with `keyId-`. */
  readonly authKeyId: string;
  /** The secret of the auth key; begins with `secret-`. */
  readonly authKey: Secret<string>;
}

export interface RootUserSignIn {
  readonly kind: 'root-user';
  readonly email: string;
  readonly password: Secret<string>;
}

export interface SamUserSignIn {
  readonly kind: 'sam-user';
  /** The operator ID: `OP` and ten digits. */
  readonly operatorId: string;
  readonly userName: string;
  readonly password: Secret<string>;
}

export interface SwitchUser {
  readonly operatorId: string;
  readonly userName: string;
  /**
   * The lifetime, in seconds, of the token after the switch, from 180 to 3600; defaults to 3600.
   */
  readonly tokenTimeoutSeconds?: number;
}

/** Everything that is needed to call the API as a particular user. */
export interface Credentials {
  readonly signIn: SignIn;
  /** The API's base URL, without `/v1`. */
  readonly endpoint: string;
  /** Headers that a profile adds to each request. */
  readonly headers: Readonly<Record<string, string>>;
}
