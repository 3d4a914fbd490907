/** Writes a layer's file atomically. */
import { open, rename, rm, writeFile } from 'node:fs/promises';

import { codeOf } from '../../lib/errors/error-message.js';
import { fileFault, fileFaultKind } from '../../lib/errors/file-fault.js';
import { UserError } from '../../lib/errors/user-error.js';

const ZIP_MAGIC = 'PK\u0003\u0004';

const NEXT: Readonly<Record<string, string>> = {
  ENOENT: 'Create the folder, or choose another file with --output.',
  ENOTDIR: 'Choose another file with --output.',
  EACCES: 'Choose a writable file with --output.',
  EROFS: 'Choose a writable file with --output.',
  ENOSPC: 'Free some space (a layer takes up to 42 MB), or choose another file with --output.',
  EISDIR: 'Choose a file with --output.',
};

/**
 * Throws unless the path is free, or contains a zip file to replace.
 * @throws UserError
 */
export async function requireLayerPath(path: string): Promise<void> {
  const start = await readStart(path);
  if (start === undefined || start === ZIP_MAGIC) return;
  throw new UserError('failed', {
    what: `cannot write ${path}`,
    why: 'the file already exists and is not a zip file',
    next: ['Choose another file with --output, or remove this file.'],
  });
}

/** Reads the first four bytes; undefined if the file does not exist. */
async function readStart(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw writeError(path, error);
  }
}

/**
 * Writes to a temporary name first, so that other processes never see a partial file.
 * @throws UserError
 */
export async function writeLayer(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
    await writeFile(temporary, bytes, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  }
}

function writeError(path: string, error: unknown): UserError {
  const code = codeOf(error) ?? '';
  const why = code === 'ENOENT' ? 'the folder does not exist' : fileFault(error).reason;
  const next = NEXT[code];
  return new UserError(fileFaultKind(error), {
    what: `cannot write ${path}`,
    why,
    next: next === undefined ? [] : [next],
    cause: error,
  });
}
