/**
 * Creates the single executable: Node without its symbols, plus arctun's program. The program is
 * built by tools/bundle/build-executable.js.
 */
import { UserError } from '../../lib/errors/user-error.js';
import { addResource } from './add-resource.js';
import { ElfError } from './elf.js';
import { NODE_VERSION } from './node-release.js';
import { stripSymbols } from './strip-symbols.js';

/** @throws UserError of kind `failed` if Node's file has an unexpected layout */
export function makeExecutable(node: Uint8Array, blob: Uint8Array): Uint8Array {
  try {
    return addResource(stripSymbols(node), blob);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    throw new UserError('failed', {
      what: `cannot add arctun to Node.js ${NODE_VERSION}`,
      why: error.message,
      cause: error,
    });
  }
}
