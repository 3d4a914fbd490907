/** The layout of numbers in C on this machine, as in structs for system calls. */
import { endianness } from 'node:os';

export const LITTLE_ENDIAN = endianness() === 'LE';

/** The size in bytes of a pointer, a long and a size_t. */
export const WORD_SIZE = process.arch === 'arm' || process.arch === 'ia32' ? 4 : 8;

const TWO_TO_32 = 0x1_0000_0000;

/** Writes a number as a pointer or size_t. A number can represent every address exactly. */
export function writeWord(view: DataView, offset: number, value: number, size = WORD_SIZE): void {
  if (size === 4) {
    view.setUint32(offset, value, LITTLE_ENDIAN);
    return;
  }
  const high = Math.floor(value / TWO_TO_32);
  // `>>> 0` takes the low 32 bits. For a modulo, V8 calls a slow function.
  view.setUint32(offset + (LITTLE_ENDIAN ? 0 : 4), value >>> 0, LITTLE_ENDIAN);
  view.setUint32(offset + (LITTLE_ENDIAN ? 4 : 0), high, LITTLE_ENDIAN);
}

export function readWord(view: DataView, offset: number, size = WORD_SIZE): number {
  const low = view.getUint32(offset + (LITTLE_ENDIAN || size === 4 ? 0 : 4), LITTLE_ENDIAN);
  if (size === 4) return low;
  return view.getUint32(offset + (LITTLE_ENDIAN ? 4 : 0), LITTLE_ENDIAN) * TWO_TO_32 + low;
}
