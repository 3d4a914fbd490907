import {
  LITTLE_ENDIAN,
  readWord,
  WORD_SIZE,
  writeWord,
} from '../../../src/system/linux/machine-word.js';

it('writes pointers of both sizes in the machine’s byte order', () => {
  const view = new DataView(new ArrayBuffer(32));
  const address = 0x7fff_1234_5678;
  writeWord(view, 0, address, 8);
  expect(view.getBigUint64(0, LITTLE_ENDIAN)).toBe(BigInt(address));
  expect(readWord(view, 0, 8)).toBe(address);
  writeWord(view, 16, 0xfedc_ba98, 4);
  expect(view.getUint32(16, LITTLE_ENDIAN)).toBe(0xfedc_ba98);
  expect(view.getUint32(20)).toBe(0);
  expect(readWord(view, 16, 4)).toBe(0xfedc_ba98);
  expect(WORD_SIZE).toBe(['arm', 'ia32'].includes(process.arch) ? 4 : 8);
});

it.each([0, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0x7fff_8000_0001, 2 ** 53 - 1])(
  'writes and reads %i',
  (value) => {
    const view = new DataView(new ArrayBuffer(8));
    writeWord(view, 0, value, 8);
    expect(view.getBigUint64(0, LITTLE_ENDIAN)).toBe(BigInt(value));
    expect(readWord(view, 0, 8)).toBe(value);
  },
);
