/** The port for reading files that contain a secret. src/system implements it. */
export interface PrivateFiles {
  /**
   * Returns the content of a text file of up to 64 KB that only its owner may read. A pipe, which
   * has no file mode, is read to its end.
   * @throws PrivateFileError
   */
  readText(path: string): Promise<string>;

  /**
   * Returns all of standard input, up to 64 KB.
   * @throws PrivateFileError
   */
  readStandardInput(): Promise<string>;
}

/**
 * Why a private file could not be read:
 *
 * - `absent`: the file does not exist
 * - `denied`: this user may not read the file
 * - `too-open`: users other than the owner may read or write the file
 * - `failed`: any other error (a folder, an I/O error, too long, no input)
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
