/**
 * Zip files whose bytes depend on nothing but what is in them. Deflate is a JavaScript's: zlib's result
 * depends on the processor and on the version of Node.
 */
import { type Zippable, zipSync } from 'fflate';

export interface ZipEntry {
  readonly path: string;
  /** The permission bits, as 0o755. */
  readonly mode: number;
  readonly content: Uint8Array;
}

const REGULAR_FILE = 0o100000;
/** The system of a zip's entry for which its attributes are a Unix mode. */
const UNIX = 3;
/** The first moment that a zip can name. It is a local time, and is made from local time here. */
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
