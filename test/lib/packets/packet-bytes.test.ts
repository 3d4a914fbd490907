import {
  memoryOf,
  PacketBytes,
  partOf,
  placeOf,
  withBytesBefore,
} from '../../../src/lib/packets/packet-bytes.js';

const memory = Uint8Array.from({ length: 100 }, (_, index) => index).buffer;
const some = () => new PacketBytes(memory, 20, 40);

it('is a view that knows its place', () => {
  const bytes = some();
  expect([...bytes.subarray(0, 3)]).toEqual([20, 21, 22]);
  expect([memoryOf(bytes), placeOf(bytes), bytes.length]).toEqual([memory, 20, 40]);
});

it('also accepts other bytes', () => {
  const bytes = new Uint8Array(memory, 7, 10);
  expect([memoryOf(bytes), placeOf(bytes)]).toEqual([memory, 7]);
  expect([...partOf(bytes, 2, 4)]).toEqual([9, 10]);
});

it('returns the same object for the same part, and the right bytes for another', () => {
  const bytes = some();
  const part = partOf(bytes, 5, 10);
  expect([...part]).toEqual([25, 26, 27, 28, 29]);
  expect(partOf(bytes, 5, 10)).toBe(part);
  expect([...partOf(bytes, 5, 9)]).toEqual([25, 26, 27, 28]);
  expect([...partOf(bytes, 6, 10)]).toEqual([26, 27, 28, 29]);
  expect([...partOf(partOf(bytes, 6, 10), 1, 2)]).toEqual([27]);
  expect(partOf(bytes, 0, 40)).toHaveLength(40);
  expect(partOf(bytes, 40, 40)).toHaveLength(0);
});

it.each([
  [-1, 5],
  [5, 4],
  [0, 41],
  [41, 41],
  [NaN, 5],
  [5, NaN],
])('refuses the part from %i to %i, which shows other packets', (start, end) => {
  expect(() => some().part(start, end)).toThrow(RangeError);
});

// A copy as PacketBytes would refer to the memory of the original.
it('is copied into an ordinary Uint8Array', () => {
  for (const copy of [some().slice(), some().map((byte) => byte), some().subarray(1)]) {
    expect(copy.constructor).toBe(Uint8Array);
  }
});

it('returns the bytes before as well, as the same object for the same count', () => {
  const bytes = some();
  const longer = withBytesBefore(bytes, 10);
  expect([memoryOf(longer), placeOf(longer), longer.length]).toEqual([memory, 10, 50]);
  expect(withBytesBefore(bytes, 10)).toBe(longer);
  expect(placeOf(withBytesBefore(bytes, 9))).toBe(11);
  expect(withBytesBefore(bytes, 20)).toHaveLength(60);
  expect([...withBytesBefore(new Uint8Array(memory, 7, 2), 3)]).toEqual([4, 5, 6, 7, 8]);
});

it.each([21, -1, -41, NaN])('refuses %i bytes before, which are outside the memory', (count) => {
  expect(() => withBytesBefore(some(), count)).toThrow(RangeError);
  expect(() => withBytesBefore(new Uint8Array(memory, 20, 40), count)).toThrow(RangeError);
});

it('refuses a part that begins before the bytes, also after such bytes were returned', () => {
  const bytes = some();
  withBytesBefore(bytes, 10);
  expect(() => bytes.part(-10, 40)).toThrow(RangeError);
});
