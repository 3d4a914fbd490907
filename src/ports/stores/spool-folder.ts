/** `read` if a command only lists and reads files; only `create` creates a missing folder. */
export type SpoolAccess = 'read' | 'change' | 'create';

/**
 * The folder of a spool, as single steps, so that the order of the steps can be tested with a disk
 * that loses what was not synced. All names are names of files in the folder.
 */
export interface SpoolFolder {
  /** The absolute path, for use in messages. */
  readonly path: string;
  /** Identifies the folder on this machine, whatever path leads to it. */
  readonly identity: string;

  /** @throws FileError, like all methods */
  list(): Promise<readonly string[]>;
  /** @returns undefined if the file does not exist */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Creates a file with mode 0600. Fails if it exists. */
  create(name: string, bytes: Uint8Array): Promise<void>;
  /** Resolves when the content of a file is saved to disk. */
  sync(name: string): Promise<void>;
  /** Renames a file. @returns false if the file does not exist */
  rename(from: string, to: string): Promise<boolean>;
  /** Removes a file. @returns false if the file does not exist */
  remove(name: string): Promise<boolean>;
  /** Resolves when all names in the folder are saved to disk. */
  syncNames(): Promise<void>;
}
