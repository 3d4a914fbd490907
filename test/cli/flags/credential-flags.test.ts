import { credentialChoice } from '../../../src/cli/flags/credential-flags.js';
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
