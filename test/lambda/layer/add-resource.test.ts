import { addResource } from '../../../src/lambda/layer/add-resource.js';
import { readElf } from '../../../src/lambda/layer/elf.js';
import { stripSymbols } from '../../../src/lambda/layer/strip-symbols.js';
import { BSS_SIZE, DATA, FUSE, smallElf } from './small-elf.js';

const NODE = `data ${FUSE}0 more`;
const BLOB = new TextEncoder().encode('the blob');

/** The content of memory at an address, as the kernel maps it. */
function memory(bytes: Uint8Array, address: number, size: number): Uint8Array {
  const segment = readElf(bytes).segments.find(
    ({ type, address: start, memorySize }) =>
      type === 1 && start <= address && address + size <= start + memorySize,
  )!;
  const offset = segment.offset + address - segment.address;
  return bytes.subarray(offset, offset + size);
}

/** Walks the notes as postject_find_resource() does. */
function findNote(bytes: Uint8Array, name: string): Uint8Array | undefined {
  const { address, memorySize } = readElf(bytes).segments.find(({ type }) => type === 4)!;
  const notes = Buffer.from(memory(bytes, address, memorySize));
  for (let at = 0; at < notes.length;) {
    const [nameSize, size] = [notes.readUInt32LE(at), notes.readUInt32LE(at + 4)];
    const content = at + 12 + Math.ceil(nameSize / 4) * 4;
    if (notes.subarray(at + 12, at + 13 + name.length).equals(Buffer.from(`${name}\0`)))
      return notes.subarray(content, content + size);
    at = content + Math.ceil(size / 4) * 4;
  }
  return undefined;
}

it('stores a blob where Node looks for it, next to the existing notes', () => {
  const file = addResource(stripSymbols(smallElf(NODE)), BLOB);
  expect(Buffer.from(findNote(file, 'NODE_SEA_BLOB')!).toString()).toBe('the blob');
  expect([...findNote(file, 'GNU')!]).toEqual([9, 9, 9, 9]);
});

it('keeps data unchanged, with zeros after them', () => {
  const before = stripSymbols(smallElf(NODE));
  const file = addResource(before, BLOB);
  const { address } = readElf(before).segments[1]!;
  const data = Buffer.from(memory(file, address, NODE.length + BSS_SIZE));
  expect(data.subarray(0, NODE.length).toString()).toBe(`data ${FUSE}1 more`);
  expect(data.subarray(NODE.length).every((byte) => byte === 0)).toBe(true);
  expect(readElf(file).segments[0]).toEqual(readElf(before).segments[0]);
});

it('lists the zeros and the note as sections of the file, so that strip keeps them', () => {
  const { sections, segments } = readElf(addResource(stripSymbols(smallElf(NODE)), BLOB));
  expect(sections.map(({ name }) => name)).toEqual([
    ...['', '.note.ABI-tag', '.data', '.bss', '.note.node.sea', '.shstrtab'],
  ]);
  expect(sections[3]).toMatchObject({ type: 1, offset: DATA + NODE.length, size: BSS_SIZE });
  const { address, offset, fileSize } = segments[2]!;
  expect(sections[4]).toMatchObject({ address, offset, size: fileSize, flags: 2 });
});

it('refuses a file that is not Node, or a Node that has a blob or symbols', () => {
  const add = (data: string) => addResource(stripSymbols(smallElf(data)), BLOB);
  expect(() => add('data')).toThrow('must be a Node.js executable');
  expect(() => add(`${FUSE}1`)).toThrow('already contains a blob');
  expect(() => add(`${FUSE}0 ${FUSE}0`)).toThrow('more than one fuse');
  expect(() => addResource(smallElf(NODE), BLOB)).toThrow('symbols must be stripped first');
});
