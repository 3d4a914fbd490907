/** Loads a package's native addon, which the single executable contains as an asset. */
import { tmpdir } from 'node:os';
import { getRawAsset } from 'node:sea';

import { loadCode } from './load-code.js';

/**
 * @param name the asset's name in tools/bundle/build-executable.js
 * @throws Error with the reasons, if code cannot be loaded from a file in any folder
 */
export function loadAddon(name: string): unknown {
  const bytes = new Uint8Array(getRawAsset(name) as ArrayBuffer);
  return loadCode(name, bytes, folders(), (path) => {
    const addon: { exports: unknown } = { exports: {} };
    process.dlopen(addon, path);
    return addon.exports;
  });
}

/** Returns the folders to try for the addon's file; folders in memory come first. */
function folders(): Set<string> {
  const { RUNTIME_DIRECTORY = '', XDG_RUNTIME_DIR = '' } = process.env;
  const own = [...RUNTIME_DIRECTORY.split(':'), XDG_RUNTIME_DIR];
  return new Set([...own, '/dev/shm', tmpdir()].filter((folder) => folder.startsWith('/')));
}
