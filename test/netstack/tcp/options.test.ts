import {
  parseOptions,
  synOptionsLength,
  TcpOptions,
  writeSynOptions,
  writeTimestamps,
} from '../../../src/netstack/tcp/options.js';
import { patternBytes } from '../../support/netstack-pair.js';

function parse(...bytes: number[]): TcpOptions {
  const options = new TcpOptions();
  parseOptions(options, Uint8Array.from(bytes), 0, bytes.length);
  return options;
}

const ABSENT = { mss: 536, windowShift: -1, hasTimestamps: false };

it('reads MSS, window scale and timestamps among others', () => {
  const options = parse(
    ...[2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0xff, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7, 254, 3, 9, 0],
  );
  expect(options).toMatchObject({ mss: 1460, windowShift: 7, hasTimestamps: true, tsEcr: 2 });
  expect(options.tsVal).toBe(0xff000001 | 0);
});

it('takes a shift above 14 as 14, and an MSS below 48 as 48', () => {
  expect(parse(3, 3, 200).windowShift).toBe(14);
  expect(parse(2, 4, 0, 1).mss).toBe(48);
});

it.each([
  ['a length of zero', [2, 0, 5, 0xb4]],
  ['a length of one', [2, 1, 5, 0xb4]],
  ['a missing length', [1, 1, 1, 2]],
  ['a length past the end', [2, 4, 5]],
  ['a wrong size of a known kind', [2, 3, 5, 3, 4, 1, 1]],
  ['what stands behind the end of the list', [0, 2, 4, 5, 0xb4]],
])('takes nothing from %s', (_, bytes) => {
  expect(parse(...bytes)).toMatchObject(ABSENT);
});

it('survives any bytes', () => {
  for (let seed = 1; seed < 500; seed++) parse(...patternBytes(40, seed));
  expect(parse()).toMatchObject(ABSENT);
});

it('reads what it writes', () => {
  const bytes = new Uint8Array(20);
  expect(writeSynOptions(bytes, 0, 1380, 6)).toBe(8);
  writeTimestamps(bytes, 8, 0x12345678, -2);
  expect(parse(...bytes)).toMatchObject({
    mss: 1380,
    windowShift: 6,
    hasTimestamps: true,
    tsVal: 0x12345678,
    tsEcr: -2,
  });
  expect(parse(...bytes.subarray(8))).toMatchObject({ hasTimestamps: true, tsVal: 0x12345678 });
  expect(synOptionsLength(true, true)).toBe(20);
  expect(synOptionsLength(false, false)).toBe(4);
});
