import { decapsulateEcn, ecnAt } from '../../src/wire/traffic-class.js';
import { checksum, v4, v6 } from '../netstack/packets.js';

const NOT_ECT = 0;
const ECT_1 = 1;
const ECT_0 = 2;
const CE = 3;

/** A DSCP that must not change. */
const DSCP = 0x88;

/** A packet after three unrelated bytes. */
function packet(version: 4 | 6, ecn: number): Uint8Array {
  const bytes = version === 4 ? v4(17, [1, 2, 3]) : v6(17, [1, 2, 3]);
  const octet = DSCP | ecn;
  if (version === 4) {
    bytes[1] = octet;
    bytes.set([0, 0], 10);
    bytes.set(checksum([...bytes.subarray(0, 20)]), 10);
  } else {
    // RFC 8200 3: the octet follows four bits of version; the flow label is all ones.
    bytes.set([0x60 | (octet >> 4), ((octet << 4) & 0xf0) | 0x0f, 0xff, 0xff]);
  }
  return Uint8Array.of(9, 9, 9, ...bytes);
}

describe.each([[4], [6]] as const)('IPv%i', (version) => {
  it('has ECN in the two low bits of the octet', () => {
    for (const ecn of [NOT_ECT, ECT_1, ECT_0, CE]) {
      expect(ecnAt(packet(version, ecn), 3)).toBe(ecn);
    }
  });

  // RFC 6040 4.2, figure 4: inner, outer, and the result; undefined means dropped.
  it.each([
    [NOT_ECT, NOT_ECT, NOT_ECT],
    [NOT_ECT, ECT_0, NOT_ECT],
    [NOT_ECT, ECT_1, NOT_ECT],
    [NOT_ECT, CE, undefined],
    [ECT_0, NOT_ECT, ECT_0],
    [ECT_0, ECT_0, ECT_0],
    [ECT_0, ECT_1, ECT_1],
    [ECT_0, CE, CE],
    [ECT_1, NOT_ECT, ECT_1],
    [ECT_1, ECT_0, ECT_1],
    [ECT_1, ECT_1, ECT_1],
    [ECT_1, CE, CE],
    [CE, NOT_ECT, CE],
    [CE, ECT_0, CE],
    [CE, ECT_1, CE],
    [CE, CE, CE],
  ])('combines an inner %i and an outer %i to %p', (inner, outer, expected) => {
    const bytes = packet(version, inner);
    // The outer DSCP must not be copied (RFC 2983 keeps the inner one).
    expect(decapsulateEcn(bytes, 3, 0xb8 | outer)).toBe(expected !== undefined);
    expect(bytes).toEqual(packet(version, expected ?? inner));
  });
});

it('leaves a wrong checksum wrong', () => {
  const bytes = packet(4, ECT_0);
  bytes[3 + 10]! ^= 0x40;
  decapsulateEcn(bytes, 3, CE);
  const expected = packet(4, CE);
  expected[3 + 10]! ^= 0x40;
  expect(bytes).not.toEqual(packet(4, CE));
  expect(checksum([...bytes.subarray(3, 23)])).not.toEqual([0, 0]);
});
