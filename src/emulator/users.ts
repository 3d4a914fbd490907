/** The emulator's users, with their credentials and permissions. */
import * as z from 'zod';

import { parseJson } from '../lib/text/parse-json.js';

export const OPERATOR_ID = 'OP0000000000';

export const MAX_USERS = 100;

const MAX_PERMISSIONS = 100;
const MAX_SWITCHES = 100;

const text = z.string().min(1).max(255);
const operatorId = z.string().regex(/^OP\d{10}$/, 'must be OP followed by ten digits');

/** The format of a user in a users file, the state file and `POST /emulator/users`. */
export const emulatorUser = z
  .strictObject({
    authKeyId: text.optional(),
    authKey: text.optional(),
    email: text.optional(),
    password: text.optional(),
    /** The user's operator ID; defaults to OP0000000000. */
    operatorId: operatorId.optional(),
    /** The name of a SAM user; absent for a root user. */
    userName: text.optional(),
    /** A one-time password that is also required to sign in. */
    mfaOTPCode: text.optional(),
    /** `Tag:operationId`, `Tag:*` or `*`, as in SORACOM Access Management. */
    permissions: z.array(text).max(MAX_PERMISSIONS).readonly(),
    /** The users to which this user may switch. */
    switchTo: z
      .array(z.strictObject({ operatorId, userName: text }))
      .max(MAX_SWITCHES)
      .readonly()
      .optional(),
  })
  .refine(({ authKeyId, authKey }) => (authKeyId === undefined) === (authKey === undefined), {
    message: 'authKeyId and authKey must be given together',
  })
  .refine(({ email, userName }) => email === undefined || userName === undefined, {
    message: 'must have an email (root user) or a userName (SAM user), but not both',
  })
  .refine(
    ({ authKey, email, userName, password }) =>
      authKey !== undefined ||
      (password !== undefined && (email !== undefined || userName !== undefined)),
    { message: 'must have an auth key, or a password with an email or userName' },
  );

export type EmulatorUser = Readonly<z.infer<typeof emulatorUser>>;

/** A user that can sign in with an auth key. */
export type AuthKeyUser = EmulatorUser & { readonly authKeyId: string; readonly authKey: string };

/** Credentials in one of the three forms that AuthRequest allows. */
export type SignInRequest = Omit<EmulatorUser, 'permissions' | 'switchTo'>;

/** The default test credentials, which are valid only for an emulator. */
export const DEFAULT_USER: AuthKeyUser = {
  authKeyId: 'keyId-emulator',
  authKey: 'secret-emulator',
  email: 'emulator@example.com',
  password: 'password-emulator',
  permissions: ['*'],
};

/** A SAM user with only the permissions that soratun requires. */
export const MINIMAL_USER: AuthKeyUser = {
  authKeyId: 'keyId-minimal',
  authKey: 'secret-minimal',
  userName: 'minimal',
  password: 'password-minimal',
  permissions: ['Sim:createSim', 'Sim:createArcSession'],
};

export function operatorOf(user: EmulatorUser): string {
  return user.operatorId ?? OPERATOR_ID;
}

/** Returns a user's name for the request log, without secrets. */
export function userLabel(user: EmulatorUser): string {
  if (user.userName !== undefined) return `${operatorOf(user)}/${user.userName}`;
  return user.email ?? user.authKeyId ?? operatorOf(user);
}

export class Users {
  readonly #users: EmulatorUser[];
  readonly #builtIn: number;

  constructor(builtIn: readonly EmulatorUser[]) {
    this.#users = [...builtIn];
    this.#builtIn = builtIn.length;
  }

  /** @returns why the user was refused; undefined if the user was added */
  add(user: EmulatorUser): string | undefined {
    if (this.#users.length >= MAX_USERS) return `the limit of ${MAX_USERS} users is reached`;
    const taken = this.#users.map((other) => sharedIdentity(user, other)).find(Boolean);
    if (taken !== undefined) return `another user already has this ${taken}`;
    this.#users.push(user);
    return undefined;
  }

  added(): readonly EmulatorUser[] {
    return this.#users.slice(this.#builtIn);
  }

  /** Returns the user with these credentials; the one-time password must also match. */
  find(request: SignInRequest): EmulatorUser | undefined {
    const user = this.#users.find((candidate) => hasCredentials(candidate, request));
    return user?.mfaOTPCode === undefined || user.mfaOTPCode === request.mfaOTPCode
      ? user
      : undefined;
  }

  samUser(operatorId: string, userName: string): EmulatorUser | undefined {
    return this.#users.find(
      (user) => operatorOf(user) === operatorId && user.userName === userName,
    );
  }
}

/**
 * Parses a JSON array of users that must not conflict with `others`.
 *
 * @throws Error that explains the problem without quoting a secret
 */
export function parseUserList(
  text: string,
  others: readonly EmulatorUser[],
): readonly EmulatorUser[] {
  const list = parseJson(text);
  if (list === undefined) throw new Error('the text must be JSON');
  const { success, data, error } = z.array(emulatorUser).max(MAX_USERS).safeParse(list);
  if (!success) {
    const [issue] = error.issues;
    const [index, ...path] = issue?.path.map(String) ?? [];
    const where = index === undefined ? '' : `user ${[index, ...path].join('.')}: `;
    throw new Error(`${where}${issue?.message ?? ''}`, { cause: error });
  }
  const users = new Users(others);
  for (const [index, user] of data.entries()) {
    const reason = users.add(user);
    if (reason !== undefined) throw new Error(`user ${index}: ${reason}`);
  }
  return data;
}

function hasCredentials(user: EmulatorUser, request: SignInRequest): boolean {
  const { authKeyId, email, operatorId, userName } = request;
  if (authKeyId !== undefined) {
    return user.authKeyId === authKeyId && user.authKey === request.authKey;
  }
  if (user.password === undefined || user.password !== request.password) return false;
  if (email !== undefined) return user.email === email;
  return userName !== undefined && user.userName === userName && operatorOf(user) === operatorId;
}

function sharedIdentity(one: EmulatorUser, other: EmulatorUser): string | undefined {
  if (one.authKeyId !== undefined && one.authKeyId === other.authKeyId) return 'authKeyId';
  if (one.email !== undefined && one.email === other.email) return 'email';
  const sameName = one.userName !== undefined && one.userName === other.userName;
  return sameName && operatorOf(one) === operatorOf(other) ? 'userName' : undefined;
}
