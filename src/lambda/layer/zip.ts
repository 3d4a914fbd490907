/**
 * Creates reproducible zip files. They are compressed in JavaScript, because zlib's output depends
 * on the processor and on the Node version.
 */
import { type Zippable, zipSync } from 'fflate';

export interface ZipEntry {
  readonly path: string;
  /** The permission bits, such as 0o755. */
  readonly mode: number;
  readonly content: Uint8Array;
}

const REGULAR_FILE = 0o100000;
/** The host system to record for each file, so that its mode is interpreted as a Unix mode. */
const UNIX = 3;
/** The earliest time that a zip file can contain. The format requires local time. */
const MONTH_OF_MTIME = [1980, 0, 1] as const;

export function zip(entries: readonly ZipEntry[]): Uint8Array {
  const files: Zippable = {};
  for (const { path, mode, content } of entries)
    files[path] = [
      content,
      { os: UNIX, attrs: ((REGULAR_FILE | mode) << 16) >>> 0, mtime: new Date(...MONTH_OF_MTIME) },
    ];
  return zipSync(files, { level: 6, mem: 8 });
}
