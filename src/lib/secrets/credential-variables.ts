/** The environment variables that sign in somewhere: no program that we start on arc.json's word gets them. */
import { pathFault } from '../errors/path-fault.js';
import { isSecretName } from './secret-shapes.js';

/**
 * What finding credentials reads, and whether it is one itself. `CredentialEnvironment` has no other
 * member, so that a variable which is missing here cannot be read there.
 */
const CREDENTIAL_VARIABLES = {
  ARCTUN_AUTH_KEY_ID: true,
  ARCTUN_AUTH_KEY: true,
  ARCTUN_AUTH_KEY_FILE: true,
  SORACOM_AUTH_KEY_ID: true,
  SORACOM_AUTH_KEY: true,
  // Names, by which soracom-cli finds its files, in a hook too.
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

/** Names of our own and of soracom-cli, soratun and krypton-cli. */
const OUR_NAME = /^(?:ARCTUN|SORACOM|SORATUN|KRYPTON)_/;

/**
 * Whether a variable is a credential or may hold one: by its name if it is ours, and by what is in it.
 * Variables of other programs are theirs.
 */
export function isCredentialVariable(name: string, value: string): boolean {
  const upper = name.toUpperCase();
  if (CREDENTIALS.has(upper)) return true;
  if (!OUR_NAME.test(upper)) return false;
  // A configuration instead of its path has its keys with it.
  return isSecretName(upper) || pathFault(value) !== undefined;
}
