/** Machine code of a package, which the single executable has as an asset. */
import { randomBytes } from 'node:crypto';
import { lstatSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRawAsset } from 'node:sea';

/**
 * Loads an addon. The dynamic linker reads files alone, so one is written under a random name, loaded, and removed
 * at once: no later process finds code there.
 *
 * @param name of the asset that tools/bundle/build-executable.js has written
 * @throws Error with the reason, if no folder takes a file that code can be loaded from
 */
export function loadAddon(name: string): unknown {
  const bytes = new Uint8Array(getRawAsset(name) as ArrayBuffer);
  const reasons: string[] = [];
  for (const folder of folders()) {
    try {
      requireSafe(folder);
      return loadFrom(join(folder, `.arctun-${randomBytes(8).toString('hex')}.node`), bytes);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`cannot unpack ${name}: ${reasons.join('; ')}`);
}

/** In memory where there is such a folder. A mount with `noexec` refuses code: then the next one may do. */
function folders(): Set<string> {
  const { RUNTIME_DIRECTORY = '', XDG_RUNTIME_DIR = '' } = process.env;
  const own = [...RUNTIME_DIRECTORY.split(':'), XDG_RUNTIME_DIR];
  return new Set([...own, '/dev/shm', tmpdir()].filter((folder) => folder.startsWith('/')));
}

/** @throws Error if another user could put a file of theirs in the place of ours */
function requireSafe(folder: string): void {
  const { mode, uid } = lstatSync(folder);
  const isSticky = (mode & 0o1000) !== 0;
  const isOthers = uid !== 0 && uid !== process.geteuid?.();
  if (isOthers || ((mode & 0o022) !== 0 && !isSticky)) {
    throw new Error(`other users can write to ${folder}`);
  }
}

function loadFrom(path: string, bytes: Uint8Array): unknown {
  // `wx`: fails if there is anything at the path, a link too.
  writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 });
  try {
    const addon: { exports: unknown } = { exports: {} };
    process.dlopen(addon, path);
    return addon.exports;
  } finally {
    unlinkSync(path);
  }
}
