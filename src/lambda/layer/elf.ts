/**
 * Reads and writes ELF files that were created by a linker (System V gABI, ELF-64, little endian).
 * Supports only what is needed to remove sections that are not loaded and to add a section.
 */

/** The error for a file with an unexpected layout, which is left unchanged. */
export class ElfError extends Error {
  override readonly name = 'ElfError';
}

export const SEGMENT_LOAD = 1;
export const SEGMENT_NOTE = 4;
export const SECTION_PROGBITS = 1;
export const SECTION_STRTAB = 3;
export const SECTION_NOTE = 7;
export const SECTION_NOBITS = 8;
/** Set if the section occupies memory at run time. */
export const FLAG_ALLOC = 0x2;
/** Set if `info` is a section index. */
export const FLAG_INFO_LINK = 0x40;
export const FLAG_TLS = 0x400;

export const SECTION_HEADER_SIZE = 64;
const FILE_HEADER_SIZE = 64;
const SEGMENT_HEADER_SIZE = 56;
const MAGIC_64_BIT_LITTLE_ENDIAN = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1];

/** A program header, whose offsets and addresses are below 2^53. */
export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

export interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  /** The index of another section. */
  readonly link: number;
  readonly info: number;
  readonly alignment: number;
  readonly entrySize: number;
}

export interface ElfFile {
  readonly segments: readonly Segment[];
  readonly sections: readonly Section[];
}

/** @throws ElfError */
export function readElf(bytes: Uint8Array): ElfFile {
  if (bytes.length < FILE_HEADER_SIZE || MAGIC_64_BIT_LITTLE_ENDIAN.some((b, i) => bytes[i] !== b))
    throw new ElfError('the file must be a 64-bit little-endian ELF file');
  const view = viewOf(bytes);
  const segmentTable = readNumber(view, 0x20);
  const sectionTable = readNumber(view, 0x28);
  if (view.getUint16(0x36, true) !== SEGMENT_HEADER_SIZE)
    throw new ElfError('the program headers have an unexpected size');
  if (view.getUint16(0x3a, true) !== SECTION_HEADER_SIZE)
    throw new ElfError('the section headers have an unexpected size');
  const segments = readTable(bytes, segmentTable, view.getUint16(0x38, true), SEGMENT_HEADER_SIZE);
  const sections = readTable(bytes, sectionTable, view.getUint16(0x3c, true), SECTION_HEADER_SIZE);
  return {
    segments: segments.map(readSegment),
    sections: nameSections(bytes, sections, view.getUint16(0x3e, true)),
  };
}

/** Overwrites the program header at an index, except its flags and alignment. */
export function writeSegment(bytes: Uint8Array, index: number, segment: Segment): void {
  const view = viewOf(bytes);
  const at = readNumber(view, 0x20) + index * SEGMENT_HEADER_SIZE;
  view.setUint32(at, segment.type, true);
  writeNumber(view, at + 0x08, segment.offset);
  writeNumber(view, at + 0x10, segment.address);
  // The physical address, which is not used.
  writeNumber(view, at + 0x18, segment.address);
  writeNumber(view, at + 0x20, segment.fileSize);
  writeNumber(view, at + 0x28, segment.memorySize);
}

/**
 * Appends the section header table, whose last section `.shstrtab` contains the section names.
 *
 * @param bytes the file's content before the table
 * @param sections all sections except `.shstrtab`
 */
export function appendSections(bytes: Uint8Array, sections: readonly Section[]): Uint8Array {
  const names = new TextEncoder().encode(
    [...sections.map(({ name }) => name), '.shstrtab'].join('\0') + '\0',
  );
  const table = alignUp(bytes.length + names.length, 8);
  const result = new Uint8Array(table + (sections.length + 1) * SECTION_HEADER_SIZE);
  result.set(bytes);
  result.set(names, bytes.length);
  const nameSection: Section = {
    ...{ name: '.shstrtab', type: SECTION_STRTAB, flags: 0, address: 0, offset: bytes.length },
    ...{ size: names.length, link: 0, info: 0, alignment: 1, entrySize: 0 },
  };
  const view = viewOf(result);
  let nameOffset = 0;
  [...sections, nameSection].forEach((section, index) => {
    writeSection(view, table + index * SECTION_HEADER_SIZE, section, nameOffset);
    nameOffset += section.name.length + 1;
  });
  writeNumber(view, 0x28, table);
  view.setUint16(0x3c, sections.length + 1, true);
  view.setUint16(0x3e, sections.length, true);
  return result;
}

/** Returns the first file offset after all loaded data. */
export function endOfSegments(segments: readonly Segment[]): number {
  return Math.max(
    FILE_HEADER_SIZE + segments.length * SEGMENT_HEADER_SIZE,
    ...segments.map(({ offset, fileSize }) => offset + fileSize),
  );
}

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readTable(bytes: Uint8Array, offset: number, count: number, size: number): DataView[] {
  if (offset + count * size > bytes.length) throw new ElfError('the file is truncated');
  return Array.from({ length: count }, (_, index) =>
    viewOf(bytes.subarray(offset + index * size, offset + (index + 1) * size)),
  );
}

function readSegment(view: DataView): Segment {
  return {
    type: view.getUint32(0, true),
    offset: readNumber(view, 0x08),
    address: readNumber(view, 0x10),
    fileSize: readNumber(view, 0x20),
    memorySize: readNumber(view, 0x28),
  };
}

function nameSections(
  bytes: Uint8Array,
  views: readonly DataView[],
  namesIndex: number,
): Section[] {
  const names = views[namesIndex];
  if (names === undefined) throw new ElfError('the sections do not have names');
  const start = readNumber(names, 0x18);
  const text = bytes.subarray(start, start + readNumber(names, 0x20));
  return views.map((view) => {
    const name = view.getUint32(0, true);
    const end = text.indexOf(0, name);
    if (end < 0) throw new ElfError('the name of a section is not terminated');
    return {
      name: new TextDecoder().decode(text.subarray(name, end)),
      type: view.getUint32(0x04, true),
      flags: readNumber(view, 0x08),
      address: readNumber(view, 0x10),
      offset: readNumber(view, 0x18),
      size: readNumber(view, 0x20),
      link: view.getUint32(0x28, true),
      info: view.getUint32(0x2c, true),
      alignment: readNumber(view, 0x30),
      entrySize: readNumber(view, 0x38),
    };
  });
}

function writeSection(view: DataView, at: number, section: Section, nameOffset: number): void {
  view.setUint32(at, nameOffset, true);
  view.setUint32(at + 0x04, section.type, true);
  writeNumber(view, at + 0x08, section.flags);
  writeNumber(view, at + 0x10, section.address);
  writeNumber(view, at + 0x18, section.offset);
  writeNumber(view, at + 0x20, section.size);
  view.setUint32(at + 0x28, section.link, true);
  view.setUint32(at + 0x2c, section.info, true);
  writeNumber(view, at + 0x30, section.alignment);
  writeNumber(view, at + 0x38, section.entrySize);
}

function readNumber(view: DataView, offset: number): number {
  const value = Number(view.getBigUint64(offset, true));
  if (!Number.isSafeInteger(value)) throw new ElfError('the file contains a number above 2^53');
  return value;
}

function writeNumber(view: DataView, offset: number, value: number): void {
  view.setBigUint64(offset, BigInt(value), true);
}
