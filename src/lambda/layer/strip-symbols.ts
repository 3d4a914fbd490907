/**
 * Removes the symbol table and debugging information from an executable, which makes Node 18 MB
 * smaller (of 127). The tool `strip` is not used, because it may be missing or may not support
 * Linux or arm64.
 */
import * as elf from './elf.js';

/**
 * Returns the executable without sections that are not loaded, except the section names.
 *
 * @throws ElfError if the file is not an ELF file with the usual layout
 */
export function stripSymbols(bytes: Uint8Array): Uint8Array {
  const { segments, sections } = elf.readElf(bytes);
  const [first, ...others] = sections;
  if (first === undefined) throw new elf.ElfError('the file does not have sections');
  const kept = [first, ...others.filter(({ flags }) => (flags & elf.FLAG_ALLOC) !== 0)];
  // The remaining symbols and relocations refer to sections by index, so no index may change.
  if (kept.some((section, index) => sections[index] !== section))
    throw new elf.ElfError('loaded sections must not come after sections that are not loaded');
  if (kept.some((section) => refersTo(section).some((index) => index >= kept.length)))
    throw new elf.ElfError('a loaded section must not refer to a section that is not loaded');
  return elf.appendSections(bytes.subarray(0, elf.endOfSegments(segments)), kept);
}

function refersTo({ flags, link, info }: elf.Section): number[] {
  return (flags & elf.FLAG_INFO_LINK) === 0 ? [link] : [link, info];
}
