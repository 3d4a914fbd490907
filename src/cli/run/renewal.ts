/** Whether and how `up` renews the session of its tunnel, as the command line tells. */
import { chosenConnection } from '../../app/credentials/api-endpoint.js';
import { refuseTwoWays } from '../../app/credentials/credential-choice.js';
import { resolveCredentials } from '../../app/credentials/resolve-credentials.js';
import type { RenewalPorts } from '../../app/session/session-renewal.js';
import type { PrivateFiles } from '../../ports/private-files.js';
import { UserError } from '../../lib/errors/user-error.js';
import type { Context } from '../context.js';
import { credentialChoice, type CredentialFlags } from '../flags/credential-flags.js';

/** What `parse` gives for `renewalFlag`, `credentialFlags` and `stdinFlag`. */
export interface RenewalFlags extends CredentialFlags {
  readonly 'no-renew': boolean;
  readonly 'read-stdin': boolean;
}

/** A call is made once, and the next question is a minute away: milliseconds. */
const TIMEOUT = 10_000;

/**
 * Nobody is asked for credentials that are missing: there is nobody at a service.
 *
 * @returns undefined where the session is not to be renewed
 * @throws UserError of kind `usage` where standard input is to hold two things, for two ways to sign in,
 *   and for a coverage or a URL that is none
 */
export async function renewalPorts(
  context: Context,
  flags: RenewalFlags,
): Promise<RenewalPorts | undefined> {
  if (flags['no-renew']) return undefined;
  if (flags['read-stdin'] && flags['auth-key-file'] === '-') {
    throw new UserError('usage', {
      what: 'cannot use --read-stdin with --auth-key-file -',
      why: 'standard input cannot hold both',
      next: ['Give the auth key by a file or in the environment.'],
    });
  }
  const ports = {
    env: context.env,
    homeFolder: context.homeFolder(),
    privateFiles: readingInputOnce(await context.privateFiles()),
    commands: await context.commands(),
  };
  const choice = credentialChoice(flags);
  // Nobody reads the warning that a silence would bring days later.
  refuseTwoWays(choice);
  chosenConnection(choice, {});
  const signal = await context.stopSignal();
  // They take longer to load than all that `up` needs to begin, and most never need them.
  const load = async () => ({
    createClient: await context.soracomClients({ timeoutMs: TIMEOUT, mostRepeats: 0 }),
    publicKeyOf: await context.publicKeyOf(),
  });
  let loaded: Awaited<ReturnType<typeof load>> | undefined;
  const afterSignIn = () => {
    if (loaded === undefined) throw new TypeError('credentials() comes first');
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

/** Keys in files are read each time, for they may be replaced; standard input is there once. */
function readingInputOnce(files: PrivateFiles): PrivateFiles {
  let input: Promise<string> | undefined;
  return {
    readText: (path) => files.readText(path),
    readStandardInput: () => (input ??= files.readStandardInput()),
  };
}
