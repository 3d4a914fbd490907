/** Flags that select the credentials for the SORACOM API. */
import type { CredentialChoice } from '../../app/credentials/credential-choice.js';
import { Secret } from '../../lib/secrets/secret.js';
import * as Flags from './flag.js';

/**
 * These flags have no `env`, because oclif does not distinguish a value in the environment from a
 * typed flag, which takes precedence over all environment variables. `resolveCredentials` reads the
 * environment variables.
 */
export const credentialFlags = Flags.grouped('SORACOM API', {
  'auth-key-id': Flags.text({
    description: '[env: ARCTUN_AUTH_KEY_ID, SORACOM_AUTH_KEY_ID] Auth key ID.',
    helpValue: 'keyId-...',
  }),
  'auth-key': Flags.text({
    description:
      '[env: ARCTUN_AUTH_KEY, SORACOM_AUTH_KEY] Auth key secret. It is safer to use the environment variable.',
    helpValue: 'secret-...',
  }),
  'auth-key-file': Flags.text({
    description:
      '[env: ARCTUN_AUTH_KEY_FILE] File that contains the auth key (the key ID is optional); - reads standard input.',
    helpValue: 'FILE',
  }),
  profile: Flags.text({
    description:
      '[env: ARCTUN_PROFILE, SORACOM_PROFILE] soracom-cli profile to sign in with, read from ~/.soracom or SORACOM_PROFILE_DIR.',
    helpValue: 'NAME',
  }),
  'coverage-type': Flags.text({
    description:
      '[env: ARCTUN_COVERAGE_TYPE, SORACOM_COVERAGE_TYPE] Coverage type: g (Global) or jp (Japan).',
    helpValue: 'g|jp',
  }),
  endpoint: Flags.text({
    description:
      '[env: ARCTUN_ENDPOINT, SORACOM_ENDPOINT] Base URL of the SORACOM API; overrides the coverage type.',
    helpValue: 'URL',
  }),
});

/** The flag that disables the renewal of an expired session. */
export const renewalFlag = Flags.grouped('SORACOM API', {
  'no-renew': Flags.boolean({
    description:
      'Do not request a new session from the SORACOM API if the Arc server stops answering.',
    env: 'ARCTUN_NO_RENEW',
  }),
});

export type CredentialFlags = Partial<Flags.FlagValues<typeof credentialFlags>>;

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
