/** Who signs in to the SORACOM API, as a command's flags, the environment and a person tell. */
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
  /** Asks the person; rejects with the signal's reason when that fires. */
  readonly ask?: typeof askCredentials;
  /** Called when a person is about to be asked. */
  readonly onWizard?: () => void;
}

/**
 * What use cases take as their port: it resolves the credentials, given arc.json's own profile, and
 * asks a person for those that are missing, where there is one.
 *
 * @param purpose what they are for, as soratun says it
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

/** A pipe has nothing to tell a second time, when the person has told the rest. */
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
