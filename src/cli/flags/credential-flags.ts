/** Flags that select the credentials for the SORACOM API. */
import type { CredentialChoice } from '../../app/credentials/credential-choice.js';
import { Secret } from '../../lib/secrets/secret.js';
import { type FlagValues, grouped } from './flag.js';

/**
 * These flags have no `env`, because oclif does not distinguish a value in the environment from a
 * typed flag, which takes precedence over all environment variables. `resolveCredentials` reads the
 * environment variables.
 */
export const credentialFlags = grouped('SORACOM API', {
  'auth-key-id': {
    type: 'string',
    description: '[env: ARCTUN_AUTH_KEY_ID, SORACOM_AUTH_KEY_ID] Auth key ID.',
    helpValue: 'keyId-...',
  },
  'auth-key': {
    type: 'string',
    description:
      '[env: ARCTUN_AUTH_KEY, SORACOM_AUTH_KEY] Auth key secret. It is safer to use the environment variable.',
    helpValue: 'secret-...',
  },
  'auth-key-file': {
    type: 'string',
    description:
      '[env: ARCTUN_AUTH_KEY_FILE] File that contains the auth key (the key ID is optional); - reads standard input.',
    helpValue: 'FILE',
  },
  profile: {
    type: 'string',
    description:
      '[env: ARCTUN_PROFILE, SORACOM_PROFILE] soracom-cli profile to sign in with, read from ~/.soracom or SORACOM_PROFILE_DIR.',
    helpValue: 'NAME',
  },
  'coverage-type': {
    type: 'string',
    description:
      '[env: ARCTUN_COVERAGE_TYPE, SORACOM_COVERAGE_TYPE] Coverage type: g (Global) or jp (Japan).',
    helpValue: 'g|jp',
  },
  endpoint: {
    type: 'string',
    description:
      '[env: ARCTUN_ENDPOINT, SORACOM_ENDPOINT] Base URL of the SORACOM API; overrides the coverage type.',
    helpValue: 'URL',
  },
});

export type CredentialFlags = Partial<FlagValues<typeof credentialFlags>>;

export function credentialChoice(flags: CredentialFlags): CredentialChoice {
  const authKey = flags['auth-key'];
  return {
    authKeyId: flags['auth-key-id'],
    authKey: authKey === undefined ? undefined : new Secret(authKey),
    authKeyFile: flags['auth-key-file'],
    profile: flags.profile,
    coverage: flags['coverage-type'],
    endpoint: flags.endpoint,
  };
}
