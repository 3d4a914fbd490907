/** Decides from the command line whether and how `up` renews its tunnel's session. */
import { chosenConnection } from '../../app/credentials/api-endpoint.js';
import { refuseTwoWays } from '../../app/credentials/credential-choice.js';
import { resolveCredentials } from '../../app/credentials/resolve-credentials.js';
import type { RenewalPorts } from '../../app/session/session-renewal.js';
import type { PrivateFiles } from '../../ports/private-files.js';
import { cannotUse } from '../../lib/errors/user-error.js';
import type { Context } from '../context.js';
import { credentialChoice, type CredentialFlags } from '../flags/credential-flags.js';
import type { FlagValues } from '../flags/flag.js';
import type { renewalFlag } from '../flags/credential-flags.js';
import type { stdinFlag } from '../flags/config-flags.js';

export type RenewalFlags = CredentialFlags & FlagValues<typeof renewalFlag & typeof stdinFlag>;

/**
 * The timeout of an API call, in milliseconds. A failed call is not retried, because renewal is
 * attempted again a minute later.
 */
const TIMEOUT = 10_000;

/**
 * Returns the ports for session renewal. Does not prompt for missing credentials, because a service
 * has no user to prompt.
 *
 * @returns undefined if the session is not renewed
 * @throws UserError of kind `usage` if two inputs use standard input, if two sign-in methods are
 * given, or if the coverage or a URL is invalid
 */
export async function renewalPorts(
  context: Context,
  flags: RenewalFlags,
): Promise<RenewalPorts | undefined> {
  if (flags['no-renew']) return undefined;
  if (flags['read-stdin'] && flags['auth-key-file'] === '-') {
    throw cannotUse(
      '--read-stdin with --auth-key-file -',
      'standard input cannot provide both the configuration and the auth key',
      'Pass the auth key in a file or in the environment.',
    );
  }
  const ports = {
    env: context.env,
    homeFolder: context.homeFolder(),
    privateFiles: readingInputOnce(await context.privateFiles()),
    commands: await context.commands(),
  };
  const choice = credentialChoice(flags);
  // Check flags and variables at startup: a renewal may happen days later, when no user sees the
  // error.
  refuseTwoWays(choice);
  chosenConnection(choice, context.env);
  const signal = await context.stopSignal();
  // Load the API client on demand: loading it takes longer than loading everything that `up` needs
  // at startup, and most runs never use it.
  const load = async () => ({
    createClient: await context.soracomClients({ timeoutMs: TIMEOUT, mostRepeats: 0 }),
    publicKeyOf: await context.publicKeyOf(),
  });
  let loaded: Awaited<ReturnType<typeof load>> | undefined;
  const afterSignIn = () => {
    if (loaded === undefined) throw new TypeError('call credentials() first');
    return loaded;
  };
  return {
    files: await context.files(),
    stateFolder: context.stateFolder(),
    publicKeyOf: (privateKey) => afterSignIn().publicKeyOf(privateKey),
    credentials: async (profile) => {
      loaded ??= await load();
      return resolveCredentials(choice, profile, ports, signal);
    },
    createClient: (...parameters) => afterSignIn().createClient(...parameters),
  };
}

/**
 * Rereads key files each time, because they may be replaced, but reads standard input only once.
 */
function readingInputOnce(files: PrivateFiles): PrivateFiles {
  let input: Promise<string> | undefined;
  return {
    readText: (path) => files.readText(path),
    readStandardInput: () => (input ??= files.readStandardInput()),
  };
}
