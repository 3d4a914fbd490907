import { patternBytes, seededRandom } from '../support/pairs/netstack-pair.js';
import { allocatePacketMemory } from '../../src/lib/packets/packet-memory.js';
import {
  copyAndSum,
  finishChecksum,
  isChecksumValid,
  sumBytes,
  sumPseudoHeader,
} from '../../src/wire/checksum.js';

/** RFC 1071 4.1, word by word. */
function plainChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < bytes.length; index += 2) {
    sum += (bytes[index]! << 8) | (bytes[index + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return ~sum & 0xffff;
}

it('sums the example of RFC 1071 section 3', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  expect(sumBytes(bytes, 0, 8)).toBe(0x2ddf0);
  expect(finishChecksum(0x2ddf0)).toBe(0x220d);
});

it('agrees with the simple algorithm for every length, offset and alignment', () => {
  const lengths = [...Array(91).keys(), 1388, 1389, 1390, 1391, 1392];
  for (let start = 0; start < 4; start++) {
    // The size of the memory is usually not a multiple of a word.
    const memory = new Uint8Array(start + 3 + 1392);
    const bytes = memory.subarray(start);
    bytes.set(patternBytes(bytes.length));
    for (let offset = 0; offset < 4; offset++) {
      for (const length of lengths) {
        const part = bytes.subarray(offset, offset + length);
        expect(finishChecksum(sumBytes(bytes, offset, length))).toBe(plainChecksum(part));
      }
    }
  }
});

describe('in the memory for packets', () => {
  // The view does not begin at the start of the memory.
  allocatePacketMemory(1_001);
  const memory = allocatePacketMemory(300_000)!;
  // All words differ, and many sums have carries.
  const random = seededRandom(7);
  for (let index = 0; index < memory.length; index++) memory[index] = random() * 256;

  const lengths = [0, 1, 2, 31, 32, 33, 511, ...Array.from({ length: 130 }, (_, at) => 512 + at)];

  it.each([...lengths, 1_368, 1_388, 1_399, 65_535, 65_536, 65_537])(
    'sums and copies %i bytes at any offset',
    (length) => {
      for (let offset = 0; offset < 17; offset++) {
        const part = memory.slice(offset, offset + length);
        expect(finishChecksum(sumBytes(memory, offset, length))).toBe(plainChecksum(part));
        const [to, after] = [100_003 + offset, memory.slice(100_003 + offset + length)];
        const before = memory.slice(0, to);
        const sum = copyAndSum(memory, to, memory, offset, length);
        expect(finishChecksum(sum)).toBe(plainChecksum(part));
        expect(Buffer.compare(memory.subarray(to, to + length), part)).toBe(0);
        expect(Buffer.compare(memory.subarray(0, to), before)).toBe(0);
        expect(Buffer.compare(memory.subarray(to + length), after)).toBe(0);
      }
    },
  );

  it.each([65_534, 65_535, 65_536])('sums %i bytes of 0xff without losing a carry', (length) => {
    memory.fill(0xff, 0, length);
    const expected = length % 2 === 0 ? 0 : 0xff;
    expect(finishChecksum(sumBytes(memory, 0, length))).toBe(expected);
    expect(finishChecksum(copyAndSum(memory, 100_000, memory, 0, length))).toBe(expected);
  });
});

it('copies and sums bytes of any other memory', () => {
  const from = patternBytes(1_000);
  const to = new Uint8Array(1_100);
  const sum = copyAndSum(to, 50, from, 1, 999);
  expect(finishChecksum(sum)).toBe(plainChecksum(from.subarray(1)));
  expect(to).toEqual(
    Uint8Array.of(...new Uint8Array(50), ...from.subarray(1), ...new Uint8Array(51)),
  );
});

it('sums shared memory', () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(203), 4, 199);
  bytes.set(patternBytes(199));
  expect(finishChecksum(sumBytes(bytes, 0, 199))).toBe(plainChecksum(bytes));
});

it.each([64, 1024])('sums %i KiB of the largest words without losing a carry', (size) => {
  const bytes = new Uint8Array(size * 1024).fill(0xff);
  expect(finishChecksum(sumBytes(bytes, 0, bytes.length))).toBe(0);
  bytes[4] = 0xfe;
  expect(finishChecksum(sumBytes(bytes, 0, bytes.length))).toBe(plainChecksum(bytes));
});

it('folds sums beyond 32 bits', () => {
  expect(finishChecksum(0xffff_ffff + 0x1_0000_0000 * 3)).toBe(~3 & 0xffff);
});

it('detects any single changed bit (MUST-2)', () => {
  const random = seededRandom(5);
  const bytes = patternBytes(40);
  const checksum = finishChecksum(sumBytes(bytes, 0, 38));
  bytes[38] = checksum >> 8;
  bytes[39] = checksum;
  expect(isChecksumValid(sumBytes(bytes, 0, 40))).toBe(true);
  bytes[Math.floor(random() * 40)]! ^= 1 << Math.floor(random() * 8);
  expect(isChecksumValid(sumBytes(bytes, 0, 40))).toBe(false);
});

it('sums a pseudo header as if it were in front of the data', () => {
  const source = Uint8Array.of(10, 0, 0, 1);
  const destination = Uint8Array.of(192, 168, 7, 9);
  const header = Uint8Array.of(10, 0, 0, 1, 192, 168, 7, 9, 0, 17, 0x12, 0x34);
  expect(sumPseudoHeader(source, destination, 17, 0x1234)).toBe(sumBytes(header, 0, 12));
});
