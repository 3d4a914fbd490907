import { finishIcmp, icmpCode, icmpType, writeIcmpEcho } from '../../src/wire/icmp.js';
import {
  ICMPV6_ECHO_REPLY,
  ICMPV6_ECHO_REQUEST,
  icmpv6Parameter,
  isIcmpv6Error,
  writeIcmpv6Parameter,
} from '../../src/wire/icmpv6.js';
import { sumPseudoHeader } from '../../src/wire/checksum.js';
import { parseIpAddress } from '../../src/wire/ip-address.js';

it('writes an echo request with a valid checksum, including the pseudo header (RFC 4443 2.3)', () => {
  const bytes = new Uint8Array(8);
  writeIcmpEcho(bytes, 0, ICMPV6_ECHO_REQUEST, 0x1234, 1);
  const [from, to] = [parseIpAddress('fd00::1')!, parseIpAddress('fd00::2')!];
  finishIcmp(bytes, 0, 8, sumPseudoHeader(from, to, 58, 8));
  // ~(fd00 + 0001 + fd00 + 0002 + 0008 + 003a + 8000 + 1234 + 0001), carries added in again
  expect([...bytes]).toEqual([128, 0, 0x73, 0x83, 0x12, 0x34, 0, 1]);
});

it('reads all 32 bits of an MTU or pointer', () => {
  const bytes = Uint8Array.of(0, 2, 0, 0, 0, 0xff, 0, 5, 0);
  expect([icmpType(bytes, 1), icmpCode(bytes, 1)]).toEqual([2, 0]);
  expect(icmpv6Parameter(bytes, 1)).toBe(0xff000500);
  writeIcmpv6Parameter(bytes, 1, 1280);
  expect([...bytes.subarray(5)]).toEqual([0, 0, 5, 0]);
});

it('recognizes an error by its type', () => {
  expect([0, 1, 127].every(isIcmpv6Error)).toBe(true);
  expect([ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY, 255].some(isIcmpv6Error)).toBe(false);
});
