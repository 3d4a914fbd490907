import { readElf } from '../../../src/lambda/layer/elf.js';
import { stripSymbols } from '../../../src/lambda/layer/strip-symbols.js';
import { DATA, smallElf, symbols } from './small-elf.js';

const names = (bytes: Uint8Array) => readElf(bytes).sections.map(({ name }) => name);

it('removes sections that are not loaded into memory, and leaves every segment unchanged', () => {
  const before = smallElf('the data');
  const after = stripSymbols(before);
  expect(names(before)).toEqual(['', '.note.ABI-tag', '.data', '.bss', '.symtab', '.shstrtab']);
  expect(names(after)).toEqual(['', '.note.ABI-tag', '.data', '.bss', '.shstrtab']);
  expect(readElf(after).segments).toEqual(readElf(before).segments);
  expect(after.subarray(64, DATA + 8)).toEqual(before.subarray(64, DATA + 8));
  expect(Buffer.from(after).includes('debuggers')).toBe(false);
});

it('changes nothing in a file that is already stripped', () => {
  const once = stripSymbols(smallElf('the data'));
  expect(stripSymbols(once)).toEqual(once);
});

it('refuses a section that would have to move', () => {
  const [symbol] = symbols();
  const late = { ...symbol!, name: '.late', type: 1, flags: 2 };
  expect(() => stripSymbols(smallElf('', [symbol!, late]))).toThrow(
    'after sections that are not loaded',
  );
});

it('refuses a section whose companion would be missing', () => {
  const [symbol] = symbols();
  const relocations = { ...symbol!, name: '.rela', type: 4, flags: 2, link: 5 };
  expect(() => stripSymbols(smallElf('', [relocations, symbol!]))).toThrow(
    'must not refer to a section',
  );
  const byInfo = { ...relocations, link: 0, info: 5, flags: 0x42 };
  expect(() => stripSymbols(smallElf('', [byInfo, symbol!]))).toThrow(
    'must not refer to a section',
  );
  // Without the flag, `info` is not an index.
  expect(() => stripSymbols(smallElf('', [{ ...byInfo, flags: 2 }, symbol!]))).not.toThrow();
});

it('refuses a file that is not a complete ELF file', () => {
  expect(() => stripSymbols(new Uint8Array(100))).toThrow(
    'must be a 64-bit little-endian ELF file',
  );
  expect(() => stripSymbols(smallElf('').subarray(0, 0x240))).toThrow('truncated');
});
