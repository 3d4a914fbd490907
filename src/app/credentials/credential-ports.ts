import type { CommandRunner } from '../../ports/command-runner.js';
import type { PrivateFiles } from '../../ports/private-files.js';

/** The dependencies for finding credentials. */
export interface CredentialPorts {
  /** The environment variables of the process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, which contains `.soracom`. */
  readonly homeFolder: string;
  readonly privateFiles: PrivateFiles;
  readonly commands: CommandRunner;
}
