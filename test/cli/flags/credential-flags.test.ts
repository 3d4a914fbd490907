import { credentialChoice, credentialFlags } from '../../../src/cli/flags/credential-flags.js';
import type { Flag } from '../../../src/cli/flags/flag.js';
import { exposed } from '../../app/credentials/exposed.js';

it('returns the given flags, the key as a secret', () => {
  const choice = credentialChoice({
    'auth-key-id': 'keyId-1',
    'auth-key': 'secret-1',
    'auth-key-file': '-',
    profile: 'p',
    'coverage-type': 'g',
    endpoint: 'https://x.example',
  });
  expect(JSON.stringify(choice)).not.toContain('secret-1');
  expect(exposed(choice)).toEqual({
    authKeyId: 'keyId-1',
    authKey: 'secret-1',
    authKeyFile: '-',
    profile: 'p',
    coverage: 'g',
    endpoint: 'https://x.example',
  });
  expect(credentialChoice({})).toEqual({});
});

it('does not read the environment itself, and names its variables', () => {
  const variables = Object.entries<Flag>(credentialFlags).map(([name, flag]) => {
    expect(flag.env).toBeUndefined();
    return [name, /^\[env: ([A-Z_, ]+)\] /.exec(flag.description)?.[1]];
  });
  expect(Object.fromEntries(variables)).toEqual({
    'auth-key-id': 'ARCTUN_AUTH_KEY_ID, SORACOM_AUTH_KEY_ID',
    'auth-key': 'ARCTUN_AUTH_KEY, SORACOM_AUTH_KEY',
    'auth-key-file': 'ARCTUN_AUTH_KEY_FILE',
    profile: 'ARCTUN_PROFILE, SORACOM_PROFILE',
    'coverage-type': 'ARCTUN_COVERAGE_TYPE, SORACOM_COVERAGE_TYPE',
    endpoint: 'ARCTUN_ENDPOINT, SORACOM_ENDPOINT',
  });
});
