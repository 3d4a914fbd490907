import {
  finishIcmp,
  ICMP_ECHO_REQUEST,
  icmpCode,
  icmpIdentifier,
  icmpNextHopMtu,
  icmpSequence,
  icmpType,
  writeIcmpEcho,
  writeIcmpError,
} from '../../src/wire/icmp.js';

it('writes an echo request with a valid checksum', () => {
  const bytes = new Uint8Array(8);
  writeIcmpEcho(bytes, 0, ICMP_ECHO_REQUEST, 0x1234, 1);
  finishIcmp(bytes, 0, 8);
  // ~(0800 + 1234 + 0001)
  expect([...bytes]).toEqual([8, 0, 0xe5, 0xca, 0x12, 0x34, 0, 1]);
  expect(icmpType(bytes, 0)).toBe(8);
  expect(icmpIdentifier(bytes, 0)).toBe(0x1234);
  expect(icmpSequence(bytes, 0)).toBe(1);
});

it('writes an error, and reads its next-hop MTU', () => {
  const bytes = new Uint8Array(10);
  writeIcmpError(bytes, 2, 3, 4);
  bytes.set([0x05, 0xdc], 8);
  expect(icmpType(bytes, 2)).toBe(3);
  expect(icmpCode(bytes, 2)).toBe(4);
  expect(icmpNextHopMtu(bytes, 2)).toBe(1500);
});
