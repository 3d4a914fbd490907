/** Resolves SORACOM API credentials from flags, the environment and prompts. */
import type { ArcProfile } from '../../arc-config/arc-config.js';
import { MissingCredentialsError } from '../../app/credentials/missing-credentials.js';
import { resolveCredentials } from '../../app/credentials/resolve-credentials.js';
import type { PrivateFiles } from '../../ports/private-files.js';
import { Secret } from '../../lib/secrets/secret.js';
import type { Credentials } from '../../soracom/auth/sign-in.js';
import type { Context } from '../context.js';
import { credentialChoice, type CredentialFlags } from '../flags/credential-flags.js';
import { askCredentials } from './wizard.js';

export interface WizardPorts {
  /** Prompts the user; rejects with the abort reason if the signal aborts. */
  readonly ask?: typeof askCredentials;
  /** Called before the user is prompted. */
  readonly onWizard?: () => void;
}

/**
 * Returns the function that the use cases call to get credentials. Given the profile in arc.json,
 * the function resolves the credentials, and prompts for missing ones if a user is present.
 *
 * @param purpose what the credentials are for, in soratun's wording
 */
export async function credentialsPort(
  context: Context,
  flags: CredentialFlags,
  purpose = 'sign in',
  { ask = askCredentials, onWizard = () => undefined }: WizardPorts = {},
): Promise<(profile: ArcProfile | undefined) => Promise<Credentials>> {
  const ports = {
    env: context.env,
    homeFolder: context.homeFolder(),
    privateFiles: readingOnce(await context.privateFiles()),
    commands: await context.commands(),
  };
  const signal = await context.stopSignal();
  const choice = credentialChoice(flags);
  return async (profile) => {
    try {
      return await resolveCredentials(choice, profile, ports, signal);
    } catch (error) {
      if (!(error instanceof MissingCredentialsError) || !context.isInteractive()) throw error;
      process.stderr.write(`Not enough information to ${purpose}. Launching wizard.\n`);
      onWizard();
      const answers = await ask(error.missing, signal);
      const authKey = answers['auth-key'];
      const answered = {
        ...choice,
        ...(answers['auth-key-id'] !== undefined && { authKeyId: answers['auth-key-id'] }),
        ...(authKey !== undefined && { authKey: new Secret(authKey) }),
        ...(answers['coverage-type'] !== undefined && { coverage: answers['coverage-type'] }),
      };
      return resolveCredentials(answered, profile, ports, signal);
    }
  };
}

/** Caches files, because a pipe cannot be read again after the user has answered prompts. */
function readingOnce(files: PrivateFiles): PrivateFiles {
  const texts = new Map<string, Promise<string>>();
  return {
    readText: (path) => {
      const text = texts.get(path) ?? files.readText(path);
      texts.set(path, text);
      return text;
    },
    readStandardInput: () => files.readStandardInput(),
  };
}
