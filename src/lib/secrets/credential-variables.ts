/** Environment variables that hold credentials. Programs named in arc.json do not inherit them. */
import { pathFault } from '../errors/path-fault.js';
import { isSecretName } from './secret-shapes.js';

/**
 * The variables that the search for credentials reads, and whether each is a credential itself.
 * `CredentialEnvironment` has no other members, so a variable that is missing here cannot be read
 * there.
 */
const CREDENTIAL_VARIABLES = {
  ARCTUN_AUTH_KEY_ID: true,
  ARCTUN_AUTH_KEY: true,
  ARCTUN_AUTH_KEY_FILE: true,
  SORACOM_AUTH_KEY_ID: true,
  SORACOM_AUTH_KEY: true,
  // soracom-cli finds its files by these names, so hooks may need them.
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

/** The name of a variable of arctun, soracom-cli, soratun or krypton-cli. */
const OUR_NAME = /^(?:ARCTUN|SORACOM|SORATUN|KRYPTON)_/;

/**
 * Whether a variable is or may contain a credential. Checks the name and the value of variables of
 * arctun and SORACOM's tools. Other programs' variables are not checked.
 */
export function isCredentialVariable(name: string, value: string): boolean {
  const upper = name.toUpperCase();
  if (CREDENTIALS.has(upper)) return true;
  if (!OUR_NAME.test(upper)) return false;
  // A value that is a configuration instead of a path to one includes the keys.
  return isSecretName(upper) || pathFault(value) !== undefined;
}
