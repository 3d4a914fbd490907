import { hashInput, InitialSequence } from '../../../../src/netstack/tcp/open/initial-sequence.js';
import { ip, patternBytes } from '../../../support/pairs/netstack-pair.js';

const LOCAL = { address: ip('10.0.0.1'), port: 40_000 };
const REMOTE = { address: ip('10.0.0.2'), port: 80 };

it('adds a clock of 4 microseconds to a keyed hash of both ends (RFC 6528 3, MUST-8)', () => {
  const sequence = new InitialSequence(patternBytes(16));
  const first = sequence.next(LOCAL, REMOTE, 5000);
  expect((sequence.next(LOCAL, REMOTE, 5001) - first) | 0).toBe(250);
  expect((sequence.next(LOCAL, REMOTE, 5000.004) - first) | 0).toBe(1);
  // The clock wraps after 4.77 hours without a jump.
  const around = 2 ** 32 / 250;
  expect(sequence.next(LOCAL, REMOTE, 5000 + around)).toBe(first);
});

it('depends on the key and on each part of the four-tuple (SHLD-1, MUST-9, RFC 6528 4)', () => {
  const sequence = new InitialSequence(patternBytes(16));
  const others = [
    sequence.next(LOCAL, REMOTE, 0),
    sequence.next({ ...LOCAL, port: 40_001 }, REMOTE, 0),
    sequence.next(LOCAL, { ...REMOTE, port: 81 }, 0),
    sequence.next({ ...LOCAL, address: ip('10.0.0.3') }, REMOTE, 0),
    sequence.next(LOCAL, { ...REMOTE, address: ip('10.0.0.3') }, 0),
    sequence.timestampOffset(LOCAL, REMOTE),
    new InitialSequence(patternBytes(16, 2)).next(LOCAL, REMOTE, 0),
  ];
  expect(new Set(others).size).toBe(others.length);
});

it('hashes both addresses, then both ports, each completely', () => {
  const local = { ...LOCAL, port: 0x1234 };
  expect([...hashInput(local, { ...REMOTE, port: 0x5678 })]).toEqual([
    10, 0, 0, 1, 10, 0, 0, 2, 0x12, 0x34, 0x56, 0x78,
  ]);
  const [ours, peer] = [ip('fd00::1'), ip('fd00::2')];
  expect([...hashInput({ address: ours, port: 1 }, { address: peer, port: 2 })]).toEqual([
    ...ours,
    ...peer,
    0,
    1,
    0,
    2,
  ]);
});

/** SipHash-2-4 as in the paper, in 64-bit arithmetic and without code of the library. */
function sipHash(key: Uint8Array, message: Uint8Array): bigint {
  const word = (bytes: Uint8Array, at: number) => Buffer.from(bytes).readBigUInt64LE(at);
  const rotate = (value: bigint, bits: bigint) =>
    BigInt.asUintN(64, (value << bits) | (value >> (64n - bits)));
  const [k0, k1] = [word(key, 0), word(key, 8)];
  let [v0, v1] = [k0 ^ 0x736f6d6570736575n, k1 ^ 0x646f72616e646f6dn];
  let [v2, v3] = [k0 ^ 0x6c7967656e657261n, k1 ^ 0x7465646279746573n];
  const round = () => {
    v0 = BigInt.asUintN(64, v0 + v1);
    v2 = BigInt.asUintN(64, v2 + v3);
    [v1, v3] = [rotate(v1, 13n) ^ v0, rotate(v3, 16n) ^ v2];
    v0 = BigInt.asUintN(64, rotate(v0, 32n) + v3);
    v2 = BigInt.asUintN(64, v2 + v1);
    [v1, v3] = [rotate(v1, 17n) ^ v2, rotate(v3, 21n) ^ v0];
    v2 = rotate(v2, 32n);
  };
  const padded = new Uint8Array((message.length & ~7) + 8);
  padded.set(message);
  padded[padded.length - 1] = message.length;
  for (let at = 0; at < padded.length; at += 8) {
    v3 ^= word(padded, at);
    round();
    round();
    v0 ^= word(padded, at);
  }
  v2 ^= 0xffn;
  for (let left = 4; left > 0; left--) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

/** A fractional time, because the monotonic clock has a resolution of less than 1 ms. */
const STARTED = Date.UTC(2026, 10, 29) + 0.75;

it.each([
  ['a clock that starts at zero', 0, 0],
  ['an epoch of zero', 0, 86_400_000.4],
  ['the wall clock', STARTED, 0],
  ['the wall clock, some time after the start', STARTED, 123_456.504],
  ['the wall clock, 50 days after the start', STARTED, 4_320_000_000.128],
  ['a wall clock before 1970', -1_000.5, 0.25],
])('is the sum of RFC 6528 3, and of the timestamp’s offset: %s', (_, epoch, now) => {
  const key = patternBytes(16, 3);
  const hash = sipHash(key, hashInput(LOCAL, REMOTE));
  const sequence = new InitialSequence(key, epoch);
  // M counts 4 microseconds.
  const clock = BigInt(Math.floor((now + epoch) / 0.004));
  expect(BigInt(sequence.next(LOCAL, REMOTE, now))).toBe(BigInt.asIntN(32, clock + hash));
  const offset = BigInt(Math.floor(epoch)) + (hash >> 32n);
  expect(BigInt(sequence.timestampOffset(LOCAL, REMOTE))).toBe(BigInt.asIntN(32, offset));
});
