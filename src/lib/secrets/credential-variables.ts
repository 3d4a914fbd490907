/** Environment variables with credentials, which programs named in arc.json do not inherit. */
import { pathFault } from '../errors/path-fault.js';
import { isSecretName } from './secret-shapes.js';

/**
 * The environment variables that the credential code may read, and whether each contains a
 * credential. The type `CredentialEnvironment` has only these members.
 */
const CREDENTIAL_VARIABLES = {
  ARCTUN_AUTH_KEY_ID: true,
  ARCTUN_AUTH_KEY: true,
  ARCTUN_AUTH_KEY_FILE: true,
  SORACOM_AUTH_KEY_ID: true,
  SORACOM_AUTH_KEY: true,
  // soracom-cli finds its files through these variables, so hooks may need them.
  ARCTUN_PROFILE: false,
  SORACOM_PROFILE: false,
  SORACOM_PROFILE_DIR: false,
} as const;

export type CredentialEnvironment = Readonly<
  Partial<Record<keyof typeof CREDENTIAL_VARIABLES, string | undefined>>
>;

const CREDENTIALS: ReadonlySet<string> = new Set(
  Object.entries(CREDENTIAL_VARIABLES).flatMap(([name, isSecret]) => (isSecret ? [name] : [])),
);

/** Matches the variable names of arctun, soracom-cli, soratun and krypton-cli. */
const OUR_NAME = /^(?:ARCTUN|SORACOM|SORATUN|KRYPTON)_/;

/**
 * Whether a variable is or may contain a credential. Checks the names and values of variables that
 * belong to arctun and SORACOM's tools, but not other programs' variables.
 */
export function isCredentialVariable(name: string, value: string): boolean {
  const upper = name.toUpperCase();
  if (CREDENTIALS.has(upper)) return true;
  if (!OUR_NAME.test(upper)) return false;
  // If a configuration was given instead of a path, it contains keys.
  return isSecretName(upper) || pathFault(value) !== undefined;
}
