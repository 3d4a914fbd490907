import {
  defaultMss,
  parseOptions,
  sackLength,
  synOptionsLength,
  TcpOptions,
  writeSackBlock,
  writeSackPrefix,
  writeSynOptions,
  writeTimestamps,
} from '../../../../src/netstack/tcp/open/options.js';
import { OUR_V4, OUR_V6 } from '../../packets.js';
import { MSS_OPTION, TIMESTAMPS_OPTION } from '../../tcp-harness.js';

function parse(...bytes: number[]): TcpOptions {
  const options = new TcpOptions();
  parseOptions(options, Uint8Array.from(bytes), 0, bytes.length);
  return options;
}

const ABSENT = {
  mss: 536,
  hasMss: false,
  windowShift: -1,
  hasTimestamps: false,
  sackPermitted: false,
  sackCount: 0,
};
/** An option of an unknown kind with a value of `length` octets. */
const UNKNOWN = (length: number): number[] => [
  254,
  2 + length,
  ...new Array<number>(length).fill(7),
];

it('assumes an MSS that depends on the address family (RFC 9293 3.7.1, MUST-15)', () => {
  expect(defaultMss(OUR_V4)).toBe(536);
  expect(defaultMss(OUR_V6)).toBe(1220);
});

it('is empty before parsing, and clears the previous values', () => {
  const options = new TcpOptions();
  expect(options).toMatchObject(ABSENT);
  const all = [
    ...[...MSS_OPTION(1000), 3, 3, 2, 4, 2, 1],
    ...[5, 10, 1, 1, 1, 1, 2, 2, 2, 2, ...TIMESTAMPS_OPTION(1, 2)],
  ];
  parseOptions(options, Uint8Array.from(all), 0, all.length);
  expect(options).toMatchObject({
    ...{ mss: 1000, hasMss: true, windowShift: 2, sackPermitted: true },
    ...{ sackCount: 1, hasTimestamps: true, tsVal: 1, tsEcr: 2 },
  });
  expect([options.sackStarts[0], options.sackEnds[0]]).toEqual([0x0101_0101, 0x0202_0202]);
  parseOptions(options, Uint8Array.from(all), 0, 0);
  expect(options).toMatchObject(ABSENT);
});

it('reads options after leading timestamps, as in an ACK with SACK', () => {
  const options = parse(...TIMESTAMPS_OPTION(3, 4), 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9);
  expect(options).toMatchObject({ hasTimestamps: true, tsVal: 3, tsEcr: 4, sackCount: 1 });
  expect([options.sackStarts[0], options.sackEnds[0]]).toEqual([1, 9]);
});

it.each([
  ['a kind', [1, 1, 1, 4]],
  ['a kind alone', [5]],
  ['a length beyond their end', [1, 1, 2, 4]],
  ['SACK-permitted with only its length', [1, 4, 2, 3]],
])('does not read data after the options if they end with %s', (_, bytes) => {
  const text = [2, 4, 5, 180, 4, 2, 1, 1];
  const options = new TcpOptions();
  parseOptions(options, Uint8Array.from([...bytes, ...text]), 0, bytes.length);
  const expected = bytes[1] === 4 ? { ...ABSENT, sackPermitted: true } : ABSENT;
  expect(options).toMatchObject(expected);
  expect(parse(...bytes)).toMatchObject(expected);
});

it('reads MSS, window scale and timestamps among others (MUST-4, MUST-6, MUST-64)', () => {
  const options = parse(
    ...[2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0xff, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7, 254, 3, 9, 0],
  );
  expect(options).toMatchObject({ mss: 1460, windowShift: 7, hasTimestamps: true, tsEcr: 2 });
  expect(options.tsVal).toBe(0xff000001 | 0);
});

it.each([
  ['a length of zero', [2, 0, 5, 0xb4]],
  ['a length of one', [2, 1, 5, 0xb4]],
  ['a missing length', [1, 1, 1, 2]],
  ['a length past the end', [2, 4, 5]],
  ['a wrong size of a known kind', [2, 3, 5, 3, 4, 1, 1]],
  ['an option after the end of the list', [0, 2, 4, 5, 0xb4]],
  ['bytes after the end that look like an option', [0, 2, 2, 4, 5, 0xb4]],
  ['timestamps that are too long', [8, 11, ...new Array<number>(9).fill(7)]],
  ['timestamps that are too short', [8, 9, ...new Array<number>(7).fill(7)]],
  ['SACK-permitted with a value', [4, 3, 0]],
  ['SACK without a block', [5, 2]],
  ['an unknown kind as long as SACK-permitted', UNKNOWN(0)],
  ['an unknown kind as long as a shift', UNKNOWN(1)],
  ['an unknown kind as long as an MSS', UNKNOWN(2)],
  ['an unknown kind as long as timestamps or a block', UNKNOWN(8)],
  ['an unknown kind as long as two blocks', UNKNOWN(16)],
])('ignores %s', (_, bytes) => {
  expect(parse(...bytes)).toMatchObject(ABSENT);
});

it('reads what it writes (MUST-68)', () => {
  const bytes = new Uint8Array(20);
  const options = { mss: 1380, windowShift: 6, sackPermitted: false };
  expect(writeSynOptions(bytes, 0, options)).toBe(8);
  writeTimestamps(bytes, 8, 0x12345678, -2);
  expect(parse(...bytes)).toMatchObject({
    mss: 1380,
    windowShift: 6,
    hasTimestamps: true,
    tsVal: 0x12345678,
    tsEcr: -2,
  });
  expect(parse(...bytes.subarray(8))).toMatchObject({ hasTimestamps: true, tsVal: 0x12345678 });
  expect(synOptionsLength(options)).toBe(8);
  expect(synOptionsLength({ ...options, windowShift: -1 })).toBe(4);
  expect(writeSynOptions(bytes, 0, { ...options, windowShift: -1 })).toBe(4);
  // A shift of zero is an offer to scale: RFC 7323 2.3.
  expect(synOptionsLength({ ...options, windowShift: 0 })).toBe(8);
  expect(writeSynOptions(bytes, 0, { ...options, windowShift: 0 })).toBe(8);
  expect(parse(...bytes.subarray(0, 8)).windowShift).toBe(0);
  expect(writeTimestamps(bytes, 8, 1, 2)).toBe(20);
  const all = { mss: 1380, windowShift: 14, sackPermitted: true };
  expect(synOptionsLength(all)).toBe(12);
  expect(writeSynOptions(bytes, 0, all)).toBe(12);
  expect(parse(...bytes.subarray(0, 12))).toMatchObject({ ...all, hasTimestamps: false });
});

it('reads the SACK blocks that it writes, at most four (RFC 2018 3)', () => {
  const bytes = new Uint8Array(48);
  let at = writeSackPrefix(bytes, 0, 4);
  for (const start of [100, -200, 0x7fff_ffff, 4]) at = writeSackBlock(bytes, at, start, start + 9);
  expect(at).toBe(sackLength(4));
  const options = parse(...bytes.subarray(0, at));
  expect(options.sackCount).toBe(4);
  expect([...options.sackStarts]).toEqual([100, -200, 0x7fff_ffff, 4]);
  expect([...options.sackEnds]).toEqual([109, -191, (0x7fff_ffff + 9) | 0, 13]);
  expect(sackLength(0)).toBe(0);
  expect(parse(5, 34, ...new Array<number>(32).fill(7), 5, 9, 0).sackCount).toBe(4);
  expect(parse(5, 42, ...new Array<number>(40).fill(7)).sackCount).toBe(4);
  expect(parse(5, 10, ...new Array<number>(8).fill(7)).sackCount).toBe(1);
});

it.each([
  ['half a block', [5, 6, 0, 0, 0, 1]],
  ['a length that is not a number of blocks', [5, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0]],
])('ignores a SACK with %s', (_, bytes) => {
  expect(parse(...bytes).sackCount).toBe(0);
});
