/**
 * A text file next to its target file. It records for the next run how far this run has progressed.
 * The journal's disk space is reserved at creation, so a full disk never prevents adding a line.
 */
export interface Journal {
  /** The absolute path, for use in messages. */
  readonly path: string;

  /**
   * Adds a line. Resolves when the line and the file's directory entry are saved to disk.
   * @param line text without line breaks; all lines of a journal share `JOURNAL_ROOM` bytes
   * @throws FileError
   */
  append(line: string): Promise<void>;

  /**
   * Removes the file permanently.
   * @throws FileError
   */
  remove(): Promise<void>;
}

/** The maximum total size of a journal's lines in bytes. An arc.json has a size of about 2 KB. */
export const JOURNAL_ROOM = 64 * 1024;

export interface Journals {
  /**
   * Creates the journal of `target` with its first line, atomically and with mode 0600. This
   * process becomes the journal's owner.
   * @returns undefined if a journal already exists
   * @throws FileError
   */
  create(target: string, line: string): Promise<Journal | undefined>;

  /**
   * Opens the existing journal. This process becomes its owner if the previous owner has exited.
   * @throws FileError
   */
  open(target: string): Promise<OpenedJournal | undefined>;
}

export interface OpenedJournal {
  readonly journal: Journal;
  /** The lines that were completely written. */
  readonly lines: readonly string[];
  /** The ID of the process that is using the journal; undefined if that process has exited. */
  readonly runningProcess: number | undefined;
}
