/**
 * The single executable: Node, without its symbols, with our program in it. What the program holds is decided in
 * tools/bundle/build-executable.js.
 */
import { UserError } from '../../lib/errors/user-error.js';
import { addResource } from './add-resource.js';
import { ElfError } from './elf.js';
import { NODE_VERSION } from './node-release.js';
import { stripSymbols } from './strip-symbols.js';

/** @throws UserError of kind `failed`, when Node's file is not of the layout that we know */
export function makeExecutable(node: Uint8Array, blob: Uint8Array): Uint8Array {
  try {
    return addResource(stripSymbols(node), blob);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    const text = { what: `cannot put arctun into Node ${NODE_VERSION}`, why: error.message };
    throw new UserError('failed', text, { cause: error });
  }
}
