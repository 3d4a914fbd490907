/** Reads files out of a package of npm: a gzipped tar archive (POSIX ustar). */
import { gunzipSync } from 'node:zlib';

const BLOCK = 512;
const NAME_LENGTH = 100;
const SIZE = 124;
const TYPE = 156;
const PREFIX = 345;
const PREFIX_LENGTH = 155;
const REGULAR_FILE = ['0', '\0', ''];

/**
 * The content of the files that are asked for, in their order.
 *
 * @param paths inside of the package, as `package/LICENSE`
 * @throws Error when the archive is damaged, or one of the files is not in it
 */
export function packageFiles(archive: Uint8Array, paths: readonly string[]): Uint8Array[] {
  const tar = gunzipSync(archive);
  const found = new Map<string, Uint8Array>();
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
    const size = Number.parseInt(text(tar, at + SIZE, 12), 8);
    const end = at + BLOCK + size;
    if (!(end <= tar.length)) throw new Error('the archive is damaged');
    const path = [text(tar, at + PREFIX, PREFIX_LENGTH), text(tar, at, NAME_LENGTH)]
      .filter((part) => part !== '')
      .join('/');
    if (REGULAR_FILE.includes(text(tar, at + TYPE, 1)) && paths.includes(path))
      found.set(path, tar.subarray(at + BLOCK, end));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return paths.map((path) => {
    const content = found.get(path);
    if (content === undefined) throw new Error(`${path} is not in it`);
    return content;
  });
}

function text(bytes: Uint8Array, start: number, length: number): string {
  const field = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  const end = field.indexOf('\0');
  return (end < 0 ? field : field.slice(0, end)).trim();
}
