/** The port for the files that arc-config needs. src/system implements it. */
export interface Files {
  /**
   * Returns the content of a text file.
   * @throws FileError
   */
  readText(path: string): Promise<string>;

  /**
   * Returns a text file's content, and which other users can read or write the file. The owner and
   * the mode are those of the file descriptor from which the content was read.
   * @throws FileError
   */
  inspectText(path: string): Promise<InspectedText>;

  /**
   * Checks that `replaceText(path, …)` would succeed: a new file can be created in the folder, and
   * an existing target may be replaced. Leaves nothing behind.
   * @throws FileError
   */
  proveWritable(path: string): Promise<void>;

  /**
   * Replaces a file atomically: writes a new file with mode 0600 in the same folder, fsyncs it,
   * renames it over the target, and fsyncs the folder. If the path is a link, replaces its target.
   * @throws FileError
   */
  replaceText(path: string, text: string): Promise<void>;

  /**
   * Creates a file with mode 0600 and fsyncs it. Fails if the path exists, even as a symbolic link.
   * @throws FileError; no file was created
   */
  createBytes(path: string, bytes: Uint8Array): Promise<void>;

  /**
   * Removes a file and fsyncs its folder. If the path is a symbolic link, the link stays and its
   * target is removed. A missing file is not an error.
   *
   * @throws FileError
   */
  remove(path: string): Promise<void>;

  /**
   * Returns the names in a folder; empty if the folder does not exist.
   *
   * @throws FileError
   */
  list(folder: string): Promise<readonly string[]>;

  /**
   * Creates a folder with mode 0700, and its missing parents. An existing folder is left unchanged.
   * @throws FileError
   */
  createFolder(folder: string): Promise<void>;

  /** Returns the absolute path, for use in messages. */
  absolute(path: string): string;
}

/**
 * The content of a text file, and which users except the current one and root can access the file.
 */
export interface InspectedText {
  readonly text: string;
  readonly otherWriters: readonly OtherWriter[];
  /** The file's mode, if other users can read the file and this user can change the mode. */
  readonly readableMode: number | undefined;
}

/**
 * Another user who can change or replace a file, directly or through a folder or link in its path.
 */
export type OtherWriter =
  | {
      readonly path: string;
      readonly fault: 'owner';
      readonly isFolder: boolean;
      readonly owner: number;
      /** The ID of the current user. */
      readonly user: number;
    }
  | {
      readonly path: string;
      readonly fault: 'mode';
      readonly isFolder: boolean;
      readonly mode: number;
    }
  /** The file was replaced while it was being read. */
  | { readonly path: string; readonly fault: 'replaced' };

/**
 * Why a file operation failed:
 *
 * - `absent`: the file does not exist
 * - `no-folder`: the file's folder does not exist
 * - `denied`: no permission, a read-only file system, or another user's file
 * - `not-text`: the content is not UTF-8
 * - `failed`: any other error (a full disk, an I/O error, a directory at the path)
 */
export type FileFailure = 'absent' | 'no-folder' | 'is-folder' | 'denied' | 'not-text' | 'failed';

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
