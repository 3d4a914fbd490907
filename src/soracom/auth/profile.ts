/** A soracom-cli profile: the endpoint and the credentials of one user. */
import * as z from 'zod/mini';

import { Secret } from '../../lib/secrets/secret.js';
import { UserError } from '../../lib/errors/user-error.js';
import { parseJson } from '../../lib/text/parse-json.js';
import { authKeyFault } from './auth-key.js';
import { parseCoverage } from './coverage.js';
import { parseEndpointUrl } from '../endpoint-url.js';
import { headerFault } from './profile-headers.js';
import type { SignIn, SwitchUser } from './sign-in.js';

/** The error for an unusable profile. The message contains no secrets. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
}

/**
 * The token lifetimes that the API accepts, in seconds. Like soracom-cli, arctun omits other
 * values, and the API applies its default.
 */
const TOKEN_TIMEOUT_SECONDS = { min: 180, max: 3600 };

/** Treats Go's zero value and null as absent, as soracom-cli does. */
const text = z.pipe(
  z.nullish(z.string('must be a string')),
  z.transform((value) => value || undefined),
);
const secretText = z.pipe(
  text,
  z.transform((value) => (value === undefined ? value : new Secret(value))),
);

/** A string that `parse` converts. An error from `parse` is reported for the member. */
const parsed = <T>(parse: (value: string) => T) =>
  z.pipe(
    text,
    z.transform((value, context) => {
      try {
        return value === undefined ? undefined : parse(value);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        context.issues.push({ code: 'custom', message: error.why, input: value });
        return z.NEVER;
      }
    }),
  );

const headers = z.pipe(
  z.nullish(z.record(z.string(), z.string('must be a string'), 'must be an object')),
  z.transform((value, { issues }) => {
    for (const [name, input] of Object.entries(value ?? {})) {
      const message = headerFault(name, input);
      if (message !== undefined) issues.push({ code: 'custom', path: [name], message, input });
    }
    return value ?? {};
  }),
);

/** The profile members that arctun reads, under their names in the file. */
const members = {
  /** Whether the account belongs to the API sandbox. */
  sandbox: z.pipe(
    z.nullish(z.boolean('must be true or false')),
    z.transform((value) => value ?? false),
  ),
  coverageType: parsed(parseCoverage),
  /** The API's base URL, without `/v1`. */
  endpoint: parsed(parseEndpointUrl),
  authKeyId: text,
  authKey: secretText,
  email: text,
  password: secretText,
  operatorId: text,
  /** The user name, which the API calls `userName`. */
  username: text,
  /** A shell command that prints the profile to use. */
  profileCommand: text,
  /** The name of the profile to sign in with before switching to `operatorId` and `username`. */
  sourceProfile: text,
  /** The lifetime of the token for the switched user. */
  tokenTimeoutSeconds: z.pipe(
    z.nullish(z.int('must be an integer')),
    z.transform((value) => value ?? undefined),
  ),
  mfaOTPCode: secretText,
  /** Extra headers for each request. */
  headers,
};

const profile = z.object(members);

export type SoracomProfile = z.infer<typeof profile>;

const NAMES = new Map(Object.keys(members).map((name) => [name.toLowerCase(), name]));

/**
 * Parses a profile. Member names match in any case, as in soracom-cli, because commands that print
 * a profile often write `userName`.
 * @throws ProfileError
 */
export function parseSoracomProfile(json: string): SoracomProfile {
  const result = profile.safeParse(withKnownNames(parseObject(json)));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new ProfileError(`"${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`);
}

function parseObject(json: string): object {
  const value = parseJson(json.replace(/^\ufeff/, ''));
  if (value === undefined) throw new ProfileError('the profile must be JSON');
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new ProfileError('the profile must be a JSON object');
}

function withKnownNames(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [NAMES.get(name.toLowerCase()) ?? name, member]),
  );
}

/**
 * Returns the profile's credentials. Uses the first complete set: auth key, email address with
 * password, or SAM user.
 * @throws ProfileError if no set is complete, or the auth key is malformed
 */
export function profileSignIn(profile: SoracomProfile): SignIn {
  const { authKeyId, authKey, email, password, operatorId, username, mfaOTPCode } = profile;
  const secondFactor = mfaOTPCode === undefined ? {} : { mfaOtpCode: mfaOTPCode };
  if (authKeyId !== undefined && authKey !== undefined) {
    const fault = authKeyFault(authKeyId, authKey);
    if (fault !== undefined) throw new ProfileError(fault.why);
    return { kind: 'auth-key', authKeyId, authKey, ...secondFactor };
  }
  if (email !== undefined && password !== undefined) {
    return { kind: 'root-user', email, password, ...secondFactor };
  }
  if (operatorId !== undefined && username !== undefined && password !== undefined) {
    return { kind: 'sam-user', operatorId, userName: username, password, ...secondFactor };
  }
  throw new ProfileError(signInFault(profile));
}

function signInFault(profile: SoracomProfile): string {
  const { authKeyId, authKey, email, operatorId, username } = profile;
  if (authKeyId !== undefined) return 'the profile has an authKeyId but no authKey';
  if (authKey !== undefined) return 'the profile has an authKey but no authKeyId';
  if (email !== undefined) return 'the profile has an email but no password';
  if (operatorId !== undefined || username !== undefined) {
    return 'a SAM user must have an operatorId, a username and a password, and one of them is missing';
  }
  return 'the profile must contain an auth key, an email and password, or a SAM user';
}

/**
 * Returns the user that a profile with a `sourceProfile` switches to.
 * @throws ProfileError
 */
export function profileSwitchUser(profile: SoracomProfile): SwitchUser {
  const { operatorId, username, tokenTimeoutSeconds: seconds } = profile;
  if (operatorId === undefined || username === undefined) {
    throw new ProfileError(
      'a profile with a sourceProfile must have the operatorId and username to switch to',
    );
  }
  const { min, max } = TOKEN_TIMEOUT_SECONDS;
  const isTaken = seconds !== undefined && seconds >= min && seconds <= max;
  return { operatorId, userName: username, ...(isTaken && { tokenTimeoutSeconds: seconds }) };
}
