import {
  MissingCredentialsError,
  resolveCredentials,
  type ChosenCredentials,
} from '../../src/app/bootstrap-credentials.js';
import type { ArcProfile } from '../../src/arc-config/arc-config.js';
import { Secret } from '../../src/lib/secret.js';

const PROFILE: ArcProfile = {
  authKeyId: 'keyId-file',
  authKey: new Secret('secret-file'),
  endpoint: 'https://g.api.soracom.io',
  unknownKeys: [],
};

function resolve(chosen: ChosenCredentials, profile?: ArcProfile, env = {}) {
  const { authKeyId, authKey, endpoint } = resolveCredentials(chosen, profile, env);
  return [authKeyId, authKey.expose(), endpoint];
}

function missingOf(chosen: ChosenCredentials, profile?: ArcProfile): readonly string[] {
  try {
    resolve(chosen, profile);
  } catch (error) {
    if (error instanceof MissingCredentialsError) return error.missing;
    throw error;
  }
  return [];
}

it('takes all from the profile when nothing is chosen', () => {
  expect(resolve({}, PROFILE)).toEqual(['keyId-file', 'secret-file', 'https://g.api.soracom.io']);
});

it('lets what is chosen win', () => {
  const chosen = { authKeyId: 'keyId-1', authKey: new Secret('secret-1'), coverage: 'jp' };
  expect(resolve(chosen, PROFILE)).toEqual(['keyId-1', 'secret-1', 'https://api.soracom.io']);
  expect(resolve({ coverage: 'jp' }, PROFILE)[2]).toBe('https://api.soracom.io');
  const env = { SORACOM_ENDPOINT: 'https://env.example' };
  expect(resolve({}, PROFILE, env)[2]).toBe('https://env.example');
});

it('never joins the halves of two keys', () => {
  expect(missingOf({ authKeyId: 'keyId-1' }, PROFILE)).toEqual(['auth-key']);
  expect(missingOf({ authKey: new Secret('secret-1') }, PROFILE)).toEqual(['auth-key-id']);
  expect(resolve({ authKeyId: 'keyId-file' }, PROFILE)[1]).toBe('secret-file');
  expect(resolve({ authKey: new Secret('secret-file') }, PROFILE)[0]).toBe('keyId-file');
});

it('takes a profile without an endpoint for Japan', () => {
  expect(resolve({}, { ...PROFILE, endpoint: '' })[2]).toBe('https://api.soracom.io');
});

it('says how to give what is missing', () => {
  let error: unknown;
  try {
    resolve({ authKeyId: '' });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({
    kind: 'usage',
    message:
      'cannot sign in to SORACOM: missing: the auth key ID, the auth key, the coverage type (g or jp)',
    next: [
      'Give --auth-key-id, or set ARCTUN_AUTH_KEY_ID.',
      'Give --auth-key, or set ARCTUN_AUTH_KEY.',
      'Give --coverage-type, or set ARCTUN_COVERAGE_TYPE.',
    ],
  });
});

it('checks the prefixes, and shows no value', () => {
  const swapped = { authKeyId: 'secret-1', authKey: new Secret('keyId-1'), coverage: 'jp' };
  expect(() => resolve(swapped)).toThrow('the auth key ID does not begin with "keyId-"');
  expect(() => resolve({ ...swapped, authKeyId: 'keyId-1' })).toThrow(
    'the auth key does not begin with "secret-"',
  );
  expect(() => resolve({ ...swapped, coverage: 'us' })).toThrow('"us" is no coverage type');
});
