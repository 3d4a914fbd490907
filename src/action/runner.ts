/** The protocol of the GitHub Actions runner: inputs, files and workflow commands. */
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Writes to standard output, where the runner reads workflow commands. */
export type Write = (text: string) => void;

/** The files that the runner reads after a step. */
export type RunnerFile = 'GITHUB_ENV' | 'GITHUB_OUTPUT' | 'GITHUB_PATH' | 'GITHUB_STATE';

/** The runner as one step sees it. */
export class Runner {
  readonly env: Environment;
  readonly #write: Write;

  constructor(env: Environment, write: Write) {
    this.env = env;
    this.#write = write;
  }

  /** Returns an input without surrounding space; undefined if it is empty. */
  input(name: string): string | undefined {
    const value = this.env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`]?.trim();
    return value === '' ? undefined : value;
  }

  /** Returns a value that an earlier part of this step saved. */
  state(name: string): string | undefined {
    return this.env[`STATE_${name}`];
  }

  saveState(name: string, value: string): void {
    this.#append('GITHUB_STATE', assignment(name, value));
  }

  setOutput(name: string, value: string): void {
    this.#append('GITHUB_OUTPUT', assignment(name, value));
  }

  exportVariable(name: string, value: string): void {
    this.#append('GITHUB_ENV', assignment(name, value));
  }

  addPath(folder: string): void {
    this.#append('GITHUB_PATH', `${folder}\n`);
  }

  /** Hides a secret in the log from now on. The runner masks each line of a secret separately. */
  mask(secret: string): void {
    for (const line of secret.split(/\r?\n/).filter((part) => part.trim() !== '')) {
      this.#write(`::add-mask::${escaped(line)}\n`);
    }
  }

  info(line: string): void {
    this.#write(`${line.replace(/^::/, ' ::')}\n`);
  }

  warning(message: string): void {
    this.#write(`::warning title=arctun::${escaped(message)}\n`);
  }

  error(message: string): void {
    this.#write(`::error title=arctun::${escaped(message)}\n`);
  }

  /** Prints the output of a program, in which the runner ignores workflow commands. */
  output(text: string): void {
    if (text.trim() === '') return;
    const token = randomUUID();
    this.#write(`::stop-commands::${token}\n${text.trimEnd()}\n::${token}::\n`);
  }

  /** @throws Error if the runner does not provide the file */
  #append(file: RunnerFile, text: string): void {
    const path = this.env[file];
    if (path === undefined || path === '') {
      throw new Error(`${file} is not set: this program works only as a step of GitHub Actions`);
    }
    appendFileSync(path, text);
  }
}

/** The delimiter is random, so that a value cannot end early and assign another name. */
function assignment(name: string, value: string): string {
  const delimiter = `arctun_${randomUUID()}`;
  return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
}

function escaped(message: string): string {
  return message.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
