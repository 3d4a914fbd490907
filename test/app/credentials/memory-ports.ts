import type { CredentialPorts } from '../../../src/app/credentials/profile-credentials.js';
import {
  CommandError,
  type CommandResult,
  type RunOptions,
} from '../../../src/ports/command-runner.js';
import { PrivateFileError } from '../../../src/ports/private-files.js';

/** Files, standard input and programs in memory. */
export class MemoryPorts implements CredentialPorts {
  readonly homeFolder = '/home/me';
  env: Record<string, string | undefined> = {};
  /** Text, or the error for a file that cannot be read. */
  readonly files = new Map<string, string | PrivateFileError>();
  stdin: string | PrivateFileError = '';
  /** The output of each program, by name. */
  readonly programs = new Map<string, CommandResult | Error>();
  /** The paths that were read and the commands that were run, in order. */
  readonly log: string[] = [];
  readonly runs: { command: readonly string[]; options: RunOptions | undefined }[] = [];

  readonly privateFiles = {
    readText: (path: string): Promise<string> => {
      this.log.push(`read ${path}`);
      const file = this.files.get(path) ?? new PrivateFileError('absent', 'no such file');
      return typeof file === 'string' ? Promise.resolve(file) : Promise.reject(file);
    },
    readStandardInput: (): Promise<string> => {
      this.log.push('read standard input');
      const { stdin } = this;
      return typeof stdin === 'string' ? Promise.resolve(stdin) : Promise.reject(stdin);
    },
  };

  readonly commands = {
    run: (command: readonly string[], options?: RunOptions): Promise<CommandResult> => {
      this.log.push(`run ${command.join(' ')}`);
      this.runs.push({ command, options });
      const result =
        this.programs.get(command[0]!) ??
        new CommandError('not-found', `${command[0]!}: the program was not found`);
      return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
    },
  };

  /** Puts a profile into soracom-cli's folder. */
  profile(name: string, value: unknown): this {
    this.files.set(`/home/me/.soracom/${name}.json`, JSON.stringify(value));
    return this;
  }

  /** Lets a program print a profile. */
  printing(program: string, value: unknown): this {
    this.programs.set(program, { exitCode: 0, stdout: JSON.stringify(value), stderr: '' });
    return this;
  }
}
