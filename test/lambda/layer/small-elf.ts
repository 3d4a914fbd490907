/** An ELF file with a linker's layout, but only a few bytes long. */
import {
  appendSections,
  type Section,
  viewOf,
  writeSegment,
} from '../../../src/lambda/layer/elf.js';

export const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:';
const NOTES = 0x100;
export const DATA = 0x200;
export const BASE = 0x400000;
/** In memory only. */
export const BSS_SIZE = 0x123;

const PLAIN = { flags: 2, link: 0, info: 0, alignment: 1, entrySize: 0 };

/** @param data content of the last segment */
export function smallElf(data: string, extra: readonly Section[] = symbols()): Uint8Array {
  const content = new TextEncoder().encode(data);
  const file = new Uint8Array(DATA + content.length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const view = viewOf(file);
  view.setUint16(0x10, 2, true);
  view.setBigUint64(0x20, 64n, true);
  view.setUint16(0x36, 56, true);
  view.setUint16(0x38, 3, true);
  view.setUint16(0x3a, 64, true);
  const load = { type: 1, offset: 0, address: BASE };
  writeSegment(file, 0, { ...load, fileSize: 0x180, memorySize: 0x180 });
  const place = { offset: DATA, address: BASE + 0x1000 + DATA };
  const sizes = { fileSize: content.length, memorySize: content.length + BSS_SIZE };
  writeSegment(file, 1, { type: 1, ...place, ...sizes });
  const notes = { type: 4, offset: NOTES, address: BASE + NOTES };
  writeSegment(file, 2, { ...notes, fileSize: 20, memorySize: 20 });
  file.set([4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 71, 78, 85, 0, 9, 9, 9, 9], NOTES);
  file.set(content, DATA);
  const sections: Section[] = [
    { ...PLAIN, flags: 0, name: '', type: 0, address: 0, offset: 0, size: 0 },
    { ...PLAIN, name: '.note.ABI-tag', ...notes, type: 7, size: 20 },
    { ...PLAIN, name: '.data', type: 1, ...place, size: content.length },
    {
      ...{ ...PLAIN, name: '.bss', type: 8, size: BSS_SIZE },
      ...{ offset: DATA + content.length, address: place.address + content.length },
    },
  ];
  const symbolText = new Uint8Array([
    ...file,
    ...new TextEncoder().encode('what only debuggers read'),
  ]);
  return appendSections(symbolText, [
    ...sections,
    ...extra.map((section) => ({ ...section, offset: file.length, size: 24 })),
  ]);
}

export function symbols(): Section[] {
  return [{ ...PLAIN, flags: 0, name: '.symtab', type: 2, address: 0, offset: 0, size: 24 }];
}
