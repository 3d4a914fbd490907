/**
 * A file of lines beside another file, its target, that tells the next run how far the one before
 * came. It takes its room when it is made, so that no full disk refuses a line later.
 */
export interface Journal {
  /** Absolute, as messages show it. */
  readonly path: string;

  /**
   * Adds a line and has it on the disk, and its name in its folder, when it resolves.
   * @param line without line ends; all lines of a journal together have `JOURNAL_ROOM` bytes
   * @throws FileError
   */
  append(line: string): Promise<void>;

  /**
   * Removes the file, for good.
   * @throws FileError
   */
  remove(): Promise<void>;
}

/** Bytes that the lines of a journal have in all; an arc.json has some 2 KB. */
export const JOURNAL_ROOM = 64 * 1024;

export interface Journals {
  /**
   * Makes the journal of `target`, mode 0600, with its first line, as one step. It is this
   * process's.
   * @returns undefined when there is one already
   * @throws FileError
   */
  create(target: string, line: string): Promise<Journal | undefined>;

  /**
   * The journal that stands there. Where the process that wrote it is gone, it is this one's now.
   * @throws FileError
   */
  open(target: string): Promise<OpenedJournal | undefined>;
}

export interface OpenedJournal {
  readonly journal: Journal;
  /** Those that were written whole. */
  readonly lines: readonly string[];
  /** The id of the process that is at work with it; undefined when that is gone. */
  readonly runningProcess: number | undefined;
}
