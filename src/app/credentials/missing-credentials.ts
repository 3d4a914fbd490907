import { UserError } from '../../lib/errors/user-error.js';

/** The credentials for which a command can prompt the user. */
export type CredentialPart = 'auth-key-id' | 'auth-key' | 'coverage-type';

/** The error for incomplete credentials. Interactive commands can prompt for the missing parts. */
export class MissingCredentialsError extends UserError {
  override readonly name = 'MissingCredentialsError';
  readonly missing: readonly CredentialPart[];

  /**
   * @param offered an existing soracom-cli profile that no option selected, to suggest to the user
   * @param ignored the setting with a missing half, which belongs to another auth key
   */
  constructor(missing: readonly CredentialPart[], offered?: string, ignored?: string) {
    super('usage', {
      what: 'cannot sign in to SORACOM',
      why: `missing: ${missing.map((part) => DESCRIPTIONS[part]).join(', ')}${ignored === undefined ? '' : ` (${ignored} was ignored, because it belongs to another auth key)`}`,
      next: [
        ...missing.map((part) => `Pass --${part}, or set ${ENVIRONMENT[part]}.`),
        ...(offered === undefined
          ? []
          : [`Or use the soracom-cli profile "${offered}": --profile ${offered}.`]),
      ],
    });
    this.missing = missing;
  }
}

const DESCRIPTIONS: Readonly<Record<CredentialPart, string>> = {
  'auth-key-id': 'the auth key ID',
  'auth-key': 'the auth key',
  'coverage-type': 'the coverage type (g or jp)',
};

const ENVIRONMENT: Readonly<Record<CredentialPart, string>> = {
  'auth-key-id': 'ARCTUN_AUTH_KEY_ID',
  'auth-key': 'ARCTUN_AUTH_KEY',
  'coverage-type': 'ARCTUN_COVERAGE_TYPE',
};
