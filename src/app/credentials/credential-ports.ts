import type { CommandRunner } from '../../ports/command-runner.js';
import type { PrivateFiles } from '../../ports/private-files.js';

/** What finding credentials needs of the world. */
export interface CredentialPorts {
  /** The process's environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder, where `.soracom` is. */
  readonly homeFolder: string;
  readonly privateFiles: PrivateFiles;
  readonly commands: CommandRunner;
}
