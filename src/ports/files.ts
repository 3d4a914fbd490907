/** What arc-config needs of the file system. src/system implements it. */
export interface Files {
  /**
   * The text of a file.
   * @throws FileError
   */
  readText(path: string): Promise<string>;

  /**
   * As `readText`, with who else can write the file and who can read it. Owner and mode are those of
   * the descriptor that the text came from.
   * @throws FileError
   */
  inspectText(path: string): Promise<InspectedText>;

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

  /**
   * Creates a file, mode 0600 and fsynced; it fails if there is anything at the path, a link too.
   * @throws FileError; then nothing was created
   */
  createBytes(path: string, bytes: Uint8Array): Promise<void>;

  /**
   * The names in a folder; none where there is no such folder.
   * @throws FileError
   */
  list(folder: string): Promise<readonly string[]>;

  /**
   * Makes a folder for its owner alone (mode 0700), with those above it; one that is there stays.
   * @throws FileError
   */
  createFolder(folder: string): Promise<void>;

  /** The absolute path, as messages show it. */
  absolute(path: string): string;
}

/** The text of a file, and who else than us and root has rights on it. */
export interface InspectedText {
  readonly text: string;
  readonly otherWriters: readonly OtherWriter[];
  /** The mode of a file that others can read, if we can change that. */
  readonly readableMode: number | undefined;
}

/** Who else can change a file, or put another in its place: by the file, a folder or a link on the way. */
export type OtherWriter =
  | {
      readonly path: string;
      readonly fault: 'owner';
      readonly isFolder: boolean;
      readonly owner: number;
      /** Ours. */
      readonly user: number;
    }
  | {
      readonly path: string;
      readonly fault: 'mode';
      readonly isFolder: boolean;
      readonly mode: number;
    }
  /** It was replaced while it was read. */
  | { readonly path: string; readonly fault: 'replaced' };

/**
 * - `absent`: no such file
 * - `no-folder`: the folder that should hold the file does not exist
 * - `denied`: permission, a read-only file system, or not ours
 * - `not-text`: what is there is not UTF-8
 * - `failed`: anything else (a full disk, an I/O error, a directory in its place)
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
