import { readFile } from 'node:fs/promises';

import { fileFault, fileFaultKind } from '../../lib/errors/file-fault.js';
import { UserError } from '../../lib/errors/user-error.js';

/** Reads all of standard input, as bytes. */
export async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Reads a file that the user has specified, as bytes.
 * @throws UserError of kind `configuration` (no such file), `permission` or `failed`
 */
export async function readWholeFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UserError(fileFaultKind(error), {
      what: `cannot read ${path}`,
      why: fileFault(error).reason,
      next: ['Check the path given with --file.'],
      cause: error,
    });
  }
}
