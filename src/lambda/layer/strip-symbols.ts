/**
 * Leaves out of an executable what it never loads: the symbol table and debugging information, 18 MB
 * of Node's 127. It is what `strip` does, for machines that have no `strip` for Linux or for arm64.
 */
import {
  appendSections,
  ElfError,
  endOfSegments,
  FLAG_ALLOC,
  FLAG_INFO_LINK,
  readElf,
  type Section,
} from './elf.js';

/**
 * The executable without sections that have no memory, but for the names of the others.
 *
 * @throws ElfError when it is no ELF file of the usual layout
 */
export function stripSymbols(bytes: Uint8Array): Uint8Array {
  const { segments, sections } = readElf(bytes);
  const [first, ...others] = sections;
  if (first === undefined) throw new ElfError('it has no sections');
  const kept = [first, ...others.filter(({ flags }) => (flags & FLAG_ALLOC) !== 0)];
  // Symbols and relocations that stay name sections by their index: it may not move.
  if (kept.some((section, index) => sections[index] !== section))
    throw new ElfError('sections that are loaded stand behind others that are not');
  if (kept.some((section) => refersTo(section).some((index) => index >= kept.length)))
    throw new ElfError('a section that is loaded needs one that is not');
  return appendSections(bytes.subarray(0, endOfSegments(segments)), kept);
}

function refersTo({ flags, link, info }: Section): number[] {
  return (flags & FLAG_INFO_LINK) === 0 ? [link] : [link, info];
}
