import { inspect } from 'node:util';
import {
  parseSoracomProfile,
  ProfileError,
  profileSignIn,
  profileSwitchUser,
} from '../../../src/soracom/auth/profile.js';
import { exposed } from '../../app/credentials/exposed.js';

const parse = (value: unknown) => parseSoracomProfile(JSON.stringify(value));
const signIn = (value: unknown) => exposed(profileSignIn(parse(value)));

function fault(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof ProfileError) return error.message;
    throw error;
  }
  return '';
}

describe('parseSoracomProfile', () => {
  it('reads the format of soracom-cli', () => {
    const text =
      '{"sandbox":false,"coverageType":"jp","authKeyId":"keyId-1","authKey":"secret-1","registerPaymentMethod":false}';
    expect(exposed(parseSoracomProfile(`\ufeff${text}`))).toMatchObject({
      sandbox: false,
      coverageType: 'jp',
      authKeyId: 'keyId-1',
      authKey: 'secret-1',
      headers: {},
    });
  });

  it.each([
    ['g', 'g'],
    ['GLOBAL', 'g'],
    ['jp', 'jp'],
    ['Japan', 'jp'],
  ])('accepts the coverage %s', (coverageType, coverage) => {
    expect(parse({ coverageType }).coverageType).toBe(coverage);
  });

  it.each<[unknown, string]>([
    [[], 'the profile must be a JSON object'],
    [null, 'the profile must be a JSON object'],
    ['secret-1', 'the profile must be a JSON object'],
    [{ coverageType: 'us' }, '"coverageType": "us" is not a coverage type'],
    [
      { endpoint: 'api.soracom.io' },
      '"endpoint": the endpoint must be an http or https URL without user, query or fragment',
    ],
    [{ headers: { 'X A': '1' } }, '"headers.X A": the name must be a valid header name'],
    [
      { headers: { 'X-A': 'secret-1\r\nX-B: 2' } },
      '"headers.X-A": the value contains characters that a header cannot contain',
    ],
    [{ email: 7 }, '"email": must be a string'],
    [{ sandbox: 'x' }, '"sandbox": must be true or false'],
    [{ tokenTimeoutSeconds: 1.5 }, '"tokenTimeoutSeconds": must be an integer'],
    [{ headers: [] }, '"headers": must be an object'],
    [{ headers: { 'X-A': 1 } }, '"headers.X-A": must be a string'],
  ])('refuses %j', (value, message) => {
    expect(fault(() => parse(value))).toBe(message);
  });

  it.each([
    { sandbox: 'secret-1' },
    { authKey: ['secret-1'] },
    { authKeyId: 5 },
    { password: { a: 'secret-1' } },
    { tokenTimeoutSeconds: 'secret-1' },
    { tokenTimeoutSeconds: 1.5 },
    { headers: { 'X-A': 1 } },
    { headers: 'secret-1' },
    { mfaOTPCode: 12345 },
  ])('refuses the wrong type without showing the value: %j', (value) => {
    const message = fault(() => parse(value));
    expect(message).toContain(`"${Object.keys(value)[0]!}`);
    expect(message).not.toContain('secret-1');
  });

  it('does not show text that is not JSON', () => {
    let error: unknown;
    try {
      parseSoracomProfile('secret-1');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ProfileError);
    expect(inspect(error, { depth: 9 })).not.toContain('secret-1');
  });
});

describe('profileSignIn', () => {
  const KEY = { authKeyId: 'keyId-1', authKey: 'secret-1' };
  const EMAIL = { email: 'a@example.com', password: 'pass word' };
  const SAM = { operatorId: 'OP0012345678', username: 'u' };

  it.each([
    [
      { ...KEY, ...EMAIL, ...SAM },
      { kind: 'auth-key', ...KEY },
    ],
    [
      { ...EMAIL, ...SAM },
      { kind: 'root-user', ...EMAIL },
    ],
    [
      { ...SAM, password: 'w' },
      { kind: 'sam-user', operatorId: 'OP0012345678', userName: 'u', password: 'w' },
    ],
    [
      { ...EMAIL, authKeyId: 'keyId-1' },
      { kind: 'root-user', ...EMAIL },
    ],
    [
      { ...SAM, password: 'w', authKey: 'secret-1' },
      { kind: 'sam-user', operatorId: 'OP0012345678', userName: 'u', password: 'w' },
    ],
  ])('uses the first complete credentials: %j', (profile, expected) => {
    expect(signIn(profile)).toEqual(expected);
    expect(signIn({ ...profile, mfaOTPCode: '012345' })).toEqual({
      ...expected,
      mfaOtpCode: '012345',
    });
  });

  it.each([
    [{ authKeyId: 'keyId-1' }, 'the profile has an authKeyId but no authKey'],
    [{ authKey: 'secret-1' }, 'the profile has an authKey but no authKeyId'],
    [{ email: 'a@b' }, 'the profile has an email but no password'],
    [
      SAM,
      'a SAM user must have an operatorId, a username and a password, and one of them is missing',
    ],
    [
      { username: 'u', password: 'w' },
      'a SAM user must have an operatorId, a username and a password, and one of them is missing',
    ],
    [
      { password: 'w' },
      'the profile must contain an auth key, an email and password, or a SAM user',
    ],
    [{}, 'the profile must contain an auth key, an email and password, or a SAM user'],
    [{ ...KEY, authKeyId: 'x' }, 'the auth key ID must begin with "keyId-"'],
    [{ ...KEY, authKey: 'x' }, 'the auth key must begin with "secret-"'],
  ])('refuses %j', (profile, message) => {
    expect(fault(() => signIn(profile))).toBe(message);
  });
});

describe('profileSwitchUser', () => {
  it.each([{ operatorId: 'OP1' }, { username: 'u' }])('requires both: %j', (profile) => {
    expect(fault(() => profileSwitchUser(parse(profile)))).toBe(
      'a profile with a sourceProfile must have the operatorId and username to switch to',
    );
  });
});
