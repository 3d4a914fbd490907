/** The port through which a use case reads what holds a secret. src/system implements it. */
export interface PrivateFiles {
  /**
   * The text of a file that nobody but its owner may read, 64 KB at most. A pipe has no such mode
   * and is read to its end.
   * @throws PrivateFileError
   */
  readText(path: string): Promise<string>;

  /**
   * All of standard input, 64 KB at most.
   * @throws PrivateFileError
   */
  readStandardInput(): Promise<string>;
}

/**
 * - `absent`: no such file
 * - `denied`: we may not read it
 * - `too-open`: others than its owner may read or write it
 * - `failed`: anything else (a folder, an I/O error, too long, nothing comes)
 */
export type PrivateFileFailure = 'absent' | 'denied' | 'too-open' | 'failed';

export class PrivateFileError extends Error {
  override readonly name = 'PrivateFileError';
  readonly failure: PrivateFileFailure;

  constructor(failure: PrivateFileFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}
