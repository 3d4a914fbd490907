/**
 * Turns Node's executable into a single executable application: the blob becomes a note in memory
 * that Node looks up at startup (`postject_find_resource` in Node's deps/postject/postject-api.h).
 *
 * The tool postject adds a segment, which requires moving the program headers. This code leaves the
 * headers in place: it writes the trailing zeros of the last data segment to the file and appends
 * the notes to that segment. The existing program header of type PT_NOTE then points to the notes.
 */
import * as elf from './elf.js';

const NAME = 'NODE_SEA_BLOB';
/** The string that precedes `0` in an unmodified Node, and `1` in a Node with a blob. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:';
/** Alignment of the blob in memory, in bytes. */
const ALIGNMENT = 16;
const NOTE_HEADER_SIZE = 12;

/**
 * Returns the executable with the blob.
 *
 * @param bytes Node's executable without symbols; with symbols, there is no room for the blob
 * @throws ElfError if the file is not Node's, or already has a blob
 */
export function addResource(bytes: Uint8Array, blob: Uint8Array): Uint8Array {
  const { segments, sections } = elf.readElf(bytes);
  const dataIndex = segments.findLastIndex(({ type }) => type === elf.SEGMENT_LOAD);
  const noteIndex = segments.findIndex(({ type }) => type === elf.SEGMENT_NOTE);
  const data = segments[dataIndex];
  const notes = segments[noteIndex];
  if (data === undefined || notes === undefined)
    throw new elf.ElfError('the file must have a data segment and a note segment');
  if (data.offset + data.fileSize !== elf.endOfSegments(segments))
    throw new elf.ElfError('the data segment must be at the end of the file');
  const names = sections.at(-1);
  const kept = sections.slice(0, -1);
  if (
    names?.name !== '.shstrtab' ||
    kept.some(({ flags }, i) => i > 0 && !(flags & elf.FLAG_ALLOC))
  )
    throw new elf.ElfError('the symbols must be stripped first');

  const start = elf.alignUp(data.address + data.memorySize, ALIGNMENT);
  const ours = note(
    bytes.subarray(notes.offset, notes.offset + notes.fileSize),
    NAME,
    blob,
    ALIGNMENT,
  );
  const fileOffset = (address: number) => data.offset + address - data.address;
  const file = new Uint8Array(fileOffset(start) + ours.length);
  file.set(bytes.subarray(0, data.offset + data.fileSize));
  file.set(ours, fileOffset(start));
  const size = start + ours.length - data.address;
  elf.writeSegment(file, dataIndex, { ...data, fileSize: size, memorySize: size });
  const place = { offset: fileOffset(start), address: start };
  const noteSegment: elf.Segment = {
    ...notes,
    ...place,
    fileSize: ours.length,
    memorySize: ours.length,
  };
  elf.writeSegment(file, noteIndex, noteSegment);
  blowFuse(file.subarray(0, data.offset + data.fileSize));
  return elf.appendSections(file, [
    ...kept.map((section) => writtenOut(section, fileOffset)),
    {
      ...{ name: '.note.node.sea', type: elf.SECTION_NOTE, flags: elf.FLAG_ALLOC, ...place },
      ...{ size: ours.length, link: 0, info: 0, alignment: 4, entrySize: 0 },
    },
  ]);
}

/**
 * Updates a section after its zeros were written to the file, unless it is thread-local storage.
 */
function writtenOut(section: elf.Section, fileOffset: (address: number) => number): elf.Section {
  if (section.type !== elf.SECTION_NOBITS || (section.flags & elf.FLAG_TLS) !== 0) return section;
  return { ...section, type: elf.SECTION_PROGBITS, offset: fileOffset(section.address) };
}

/** Returns the existing notes followed by a new note with aligned content. */
function note(
  before: Uint8Array,
  name: string,
  content: Uint8Array,
  alignment: number,
): Uint8Array {
  const nameBytes = new TextEncoder().encode(`${name}\0`);
  const headLength = NOTE_HEADER_SIZE + elf.alignUp(nameBytes.length, 4);
  // Notes must be adjacent, so make the padding part of the name.
  const contentAt = elf.alignUp(before.length + headLength, alignment);
  const padding = contentAt - before.length - headLength;
  const result = new Uint8Array(contentAt + elf.alignUp(content.length, 4));
  result.set(before);
  const view = elf.viewOf(result);
  view.setUint32(before.length, elf.alignUp(nameBytes.length, 4) + padding, true);
  view.setUint32(before.length + 4, content.length, true);
  result.set(nameBytes, before.length + NOTE_HEADER_SIZE);
  result.set(content, contentAt);
  return result;
}

function blowFuse(bytes: Uint8Array): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = buffer.indexOf(FUSE);
  if (at < 0) throw new elf.ElfError('the file must be a Node.js executable that can embed a blob');
  if (buffer.includes(FUSE, at + 1))
    throw new elf.ElfError('the file must not contain more than one fuse');
  if (buffer[at + FUSE.length] !== 0x30) throw new elf.ElfError('the file already contains a blob');
  buffer[at + FUSE.length] = 0x31;
}
