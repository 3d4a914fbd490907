/** What arc-config needs of the file system. src/platform implements it. */
export interface Files {
  /**
   * The text of a file.
   * @throws FileError
   */
  readText(path: string): Promise<string>;

  /**
   * Proves that `replaceText(path, …)` would succeed: the folder exists and takes a new file, and
   * an existing target may be replaced. Leaves nothing behind.
   * @throws FileError
   */
  proveWritable(path: string): Promise<void>;

  /**
   * Replaces a file as one step: written beside the target, mode 0600, fsynced, renamed over it,
   * the folder fsynced. A symbolic link stays and its target is replaced.
   * @throws FileError
   */
  replaceText(path: string, text: string): Promise<void>;

  /** The absolute path, as messages show it. */
  absolute(path: string): string;
}

/**
 * - `absent`: no such file
 * - `no-folder`: the folder that should hold the file does not exist
 * - `denied`: permission, a read-only file system, or not ours
 * - `failed`: anything else (a full disk, an I/O error, a directory in its place)
 */
export type FileFailure = 'absent' | 'no-folder' | 'denied' | 'failed';

export class FileError extends Error {
  override readonly name = 'FileError';
  readonly failure: FileFailure;
  readonly path: string;

  constructor(failure: FileFailure, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
    this.path = path;
  }
}
