import { readFile } from 'node:fs/promises';

import { UserError } from '../lib/user-error.js';

/** All of standard input, as bytes. */
export async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * A file that the user named, as bytes.
 * @throws UserError of kind `permission` or `failed`
 */
export async function readWholeFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const kind = code === 'EACCES' || code === 'EPERM' ? 'permission' : 'failed';
    throw new UserError(
      kind,
      { what: `cannot read ${path}`, why: message, next: ['Check the path given with --file.'] },
      { cause: error },
    );
  }
}
