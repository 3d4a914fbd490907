/** Names the library's options instead of flags in errors of code that the commands also use. */
import { SAVE_PRINTED } from '../app/bootstrap/bootstrap-rescue.js';
import { renameSettings, rewriteError } from '../lib/errors/rename-settings.js';
import { UserError } from '../lib/errors/user-error.js';

const SAVE_RETURNED = 'Save the text that arcJson.expose() of this error returns';

const OPTIONS: Readonly<Record<string, string>> = {
  'auth-key-id': 'credentials.authKeyId',
  'auth-key-file': 'credentials.authKeyFile',
  'auth-key': 'credentials.authKey',
  profile: 'credentials.profile',
  'coverage-type': 'credentials.coverage',
  endpoint: 'endpoint',
  'metadata-endpoint': 'metadataEndpoint',
  'krypton-cli-path': 'kryptonCli.path',
  interface: 'kryptonCli.interface',
  'port-name': 'kryptonCli.portName',
  'create-another': 'createAnother',
  'own-key': 'ownKey',
  adopt: 'adopt',
  yes: 'force',
};

/**
 * Changes the texts of a UserError, which keeps its class and other members.
 *
 * @param config how to name the option for arc.json: `config` or `path`
 */
export function withOptionNames(error: unknown, config: 'config' | 'path' = 'config'): unknown {
  if (!(error instanceof UserError)) return error;
  const options: typeof OPTIONS = { ...OPTIONS, config };
  const nameOf = (flag: string) => options[flag] && `the option ${options[flag]}`;
  rewriteError(error, (text) => renameSettings(text, nameOf).replace(SAVE_PRINTED, SAVE_RETURNED));
  return error;
}

/** Runs a function, and names the library's options in its errors. */
export async function namingOptions<T>(
  work: () => Promise<T>,
  config: 'config' | 'path' = 'config',
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withOptionNames(error, config);
  }
}
