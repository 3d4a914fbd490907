/** Reads files from an npm package, which is a gzipped tar archive. */
import { gunzipSync } from 'node:zlib';

import { type ParsedTarFileItem, parseTar } from 'nanotar';

/**
 * Returns the content of the given files, in the same order.
 *
 * @param paths inside the package, such as `package/LICENSE`
 * @throws Error if the archive is damaged, or if a file is missing
 */
export function packageFiles(archive: Uint8Array, paths: readonly string[]): Uint8Array[] {
  const files = filesOf(gunzipSync(archive), paths);
  return paths.map((path) => {
    const content = files.findLast(({ name }) => name === path)?.data;
    if (content === undefined) throw new Error(`${path} is missing from the package`);
    return content;
  });
}

function filesOf(tar: Uint8Array, paths: readonly string[]): ParsedTarFileItem[] {
  try {
    // Copy the bytes, because nanotar would parse the whole buffer under a view instead of only the
    // view.
    return parseTar(Uint8Array.from(tar), {
      filter: ({ name, type }) => type === 'file' && paths.includes(name),
    });
  } catch (error) {
    throw new Error('the archive is damaged', { cause: error });
  }
}
