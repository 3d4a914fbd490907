/** The ports of the functions that call the SORACOM API. Loads axios. */
import { homedir } from 'node:os';

import { chosenConnection } from '../app/credentials/api-endpoint.js';
import { refuseTwoWays } from '../app/credentials/credential-choice.js';
import { resolveCredentials } from '../app/credentials/resolve-credentials.js';
import { publicKeyOf } from '../crypto/key-pair.js';
import { createPrivateKey, type KeyPair } from '../lib/secrets/key-pair.js';
import { Secret } from '../lib/secrets/secret.js';
import type { Credentials } from '../soracom/auth/sign-in.js';
import { SoracomClient } from '../soracom/client/client.js';
import { systemEntropy } from '../system/entropy.js';
import { systemFiles } from '../system/files/files.js';
import { systemJournals } from '../system/files/journal.js';
import { systemPrivateFiles } from '../system/files/read-private-file.js';
import { stateFolder } from '../system/files/state-folder.js';
import { createKeyClaims } from '../system/network/key-claims.js';
import { systemCommands } from '../system/process/command-runner.js';
import { packageVersion } from './package-version.js';
import { withOptionNames } from './option-names.js';
import type { SoracomOptions } from './soracom-options.js';

/** A library has no user who can answer prompts, and does not write to standard error. */
export const systemPorts = {
  files: systemFiles,
  journals: systemJournals,
  commands: systemCommands,
  publicKeyOf,
  createKeyPair(): KeyPair {
    const privateKey = createPrivateKey(systemEntropy);
    return { privateKey: new Secret(privateKey), publicKey: publicKeyOf(privateKey) };
  },
  now: () => Date.now(),
} as const;

export const keyClaims = () => createKeyClaims();

export const userAgent = () =>
  `arctun/${packageVersion()} (library; ${process.platform} ${process.arch} ${process.version})`;

export interface Patience {
  readonly timeoutMs?: number;
  readonly mostRepeats?: number;
}

/**
 * Returns the ports to sign in with. Reads key files and profiles at each sign-in, because they may
 * be replaced.
 *
 * @throws UserError of kind `usage` for two ways to sign in, or an invalid coverage or URL
 */
export function soracomPorts(
  { credentials = {}, endpoint }: SoracomOptions,
  patience: Patience = {},
  signal?: AbortSignal,
) {
  const { authKey, ...rest } = credentials;
  const secret = authKey === undefined ? undefined : new Secret(authKey);
  const choice = { ...rest, endpoint, authKey: secret };
  const { env } = process;
  const ports = {
    env,
    homeFolder: homedir(),
    privateFiles: systemPrivateFiles,
    commands: systemCommands,
  };
  // Check the options now: a renewal may happen days later.
  refuseTwoWays(choice);
  chosenConnection(choice, env);
  return {
    ...systemPorts,
    stateFolder: stateFolder(),
    credentials: (profile: Parameters<typeof resolveCredentials>[1]) =>
      resolveCredentials(choice, profile, ports, signal).catch((error: unknown) => {
        throw withOptionNames(error);
      }),
    createClient: (found: Credentials, aborted?: AbortSignal) =>
      new SoracomClient({
        endpoint: found.endpoint,
        headers: found.headers,
        userAgent: userAgent(),
        ...patience,
        ...(aborted && { signal: aborted }),
      }),
  };
}
