/** Names the library's options instead of flags in errors of code that the commands also use. */
import { UserError } from '../lib/errors/user-error.js';

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

/** Matches a quoted command, or a flag outside one. */
const MENTION = /`[^`]*`|"arctun [^"]*"|--([a-z][\w-]*)(?: or [A-Z][A-Z_]*)?/g;

type Writable = { -readonly [Name in keyof UserError]: UserError[Name] };

/**
 * Changes the texts of a UserError, which keeps its class and other members.
 *
 * @param config how to name the option for arc.json: `config` or `path`
 */
export function withOptionNames(error: unknown, config: 'config' | 'path' = 'config'): unknown {
  if (!(error instanceof UserError)) return error;
  const named = (text: string) =>
    text
      .replaceAll(MENTION, (mention: string, flag?: string) => {
        if (flag === 'config') return `the option ${config}`;
        const option = flag === undefined ? undefined : OPTIONS[flag];
        return option === undefined ? mention : `the option ${option}`;
      })
      .replaceAll(
        'Save the arc.json that was printed to standard output',
        'Save the text that arcJson.expose() of this error returns',
      )
      .replaceAll('Run the same command again', 'Call the same function again')
      .replaceAll('run the same command again', 'call the same function again');
  const { message, what, why, next, stack } = error;
  const changed = { what: named(what), why: named(why), next: next.map(named) };
  const renamed = `${changed.what}: ${changed.why}`;
  const writable: Writable = Object.assign(error, changed, { message: renamed });
  if (stack !== undefined) writable.stack = stack.replace(message, () => renamed);
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
