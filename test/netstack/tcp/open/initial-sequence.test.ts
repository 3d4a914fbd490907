import { SipHash } from '../../../../src/lib/siphash.js';
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

it('is only the keyed hash when the clock is zero; the hash’s other half offsets the timestamps', () => {
  const sequence = new InitialSequence(patternBytes(16));
  const hash = new SipHash(patternBytes(16));
  expect(sequence.next(LOCAL, REMOTE, 0)).toBe(hash.hash(hashInput(LOCAL, REMOTE)) | 0);
  expect(sequence.timestampOffset(LOCAL, REMOTE)).toBe(hash.high);
});

it('continues after a restart if the key and the clock do', () => {
  const started = Date.UTC(2026, 10, 29);
  const before = new InitialSequence(patternBytes(16), started);
  // The next process starts an hour later, and its `now` starts at 0.
  const hour = 3_600_000;
  const after = new InitialSequence(patternBytes(16), started + hour);
  const grown = after.next(LOCAL, REMOTE, 0) - before.next(LOCAL, REMOTE, 0);
  expect(grown | 0).toBe((250 * hour) | 0);
  const offsets = [before, after].map((sequence) => sequence.timestampOffset(LOCAL, REMOTE));
  expect((offsets[1]! - offsets[0]!) | 0).toBe(hour);
});
