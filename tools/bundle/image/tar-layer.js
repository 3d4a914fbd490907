/** Writes a layer of an image: a gzipped tar archive with the same bytes on every machine. */
import { createHash } from 'node:crypto';

import { gzipSync } from 'fflate';
import { createTar } from 'nanotar';

/** The end of a tar archive: two empty blocks (POSIX.1-2024, pax). nanotar may omit them. */
const END = new Uint8Array(1024);

/**
 * Returns a layer from files ({path, mode, content}) and folders ({path, mode} without content).
 * They belong to root unless `owner` is set. Folders above them are added, with mode 0755.
 */
export function tarLayer(entries) {
  const tar = archiveOf(withParents(entries));
  // zlib's output depends on the processor and on the Node version.
  const bytes = gzipSync(tar, { level: 6, mem: 8, mtime: 0 });
  return { bytes, digest: digestOf(bytes), diffId: digestOf(tar) };
}

/** Returns a tar archive whose entries have a fixed order and time. */
export function archiveOf(entries) {
  const files = entries.map(({ path, mode, content, owner = 0 }) => {
    const name = path.replace(/^\//, '') + (content === undefined ? '/' : '');
    if (name.length > 100) throw new Error(`a name in an archive is too long: ${name}`);
    if (content?.length === 0) throw new Error(`nanotar cannot write the empty file ${name}`);
    const attrs = { mode: mode.toString(8), uid: owner, gid: owner, mtime: 0 };
    return { name, ...(content !== undefined && { data: content }), attrs };
  });
  return Buffer.concat([createTar(files), END]);
}

export function digestOf(bytes) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Adds the folders that contain the entries, each before its content, and sorts all by path. */
function withParents(entries) {
  const all = new Map(entries.map((each) => [each.path, each]));
  for (const { path } of entries) {
    const parts = path.split('/').slice(1, -1);
    parts.forEach((_, index) => {
      const parent = `/${parts.slice(0, index + 1).join('/')}`;
      if (!all.has(parent)) all.set(parent, { path: parent, mode: 0o755 });
    });
  }
  return [...all.values()].toSorted((one, other) => (one.path < other.path ? -1 : 1));
}
