import { isChecksumValid, sumBytes, sumPseudoHeader } from '../../src/wire/checksum.js';
import {
  finishUdp,
  udpChecksum,
  udpDestinationPort,
  udpLength,
  udpSourcePort,
  writeUdpPorts,
} from '../../src/wire/udp.js';

const SOURCE = Uint8Array.of(10, 0, 0, 1);
const DESTINATION = Uint8Array.of(10, 0, 0, 2);

it('writes and reads a header, with a checksum over the pseudo header (RFC 1122 4.1.3.4)', () => {
  const bytes = new Uint8Array(3 + 8 + 5);
  bytes.set([104, 101, 108, 108, 111], 11);
  writeUdpPorts(bytes, 3, 0x1234, 53);
  const pseudoSum = sumPseudoHeader(SOURCE, DESTINATION, 17, 13);
  finishUdp(bytes, 3, 13, pseudoSum);
  expect([...bytes.subarray(3, 9)]).toEqual([0x12, 0x34, 0, 53, 0, 13]);
  expect(udpSourcePort(bytes, 3)).toBe(0x1234);
  expect(udpDestinationPort(bytes, 3)).toBe(53);
  expect(udpLength(bytes, 3)).toBe(13);
  expect(isChecksumValid(pseudoSum + sumBytes(bytes, 3, 13))).toBe(true);
});

it('sends a checksum of zero as all ones (RFC 768)', () => {
  const bytes = new Uint8Array(10);
  const pseudoSum = sumPseudoHeader(SOURCE, DESTINATION, 17, 10);
  // With this payload the sum is ffff, whose complement is zero.
  const rest = 0xffff - ((pseudoSum + 10) % 0xffff);
  bytes.set([rest >> 8, rest & 0xff], 8);
  finishUdp(bytes, 0, 10, pseudoSum);
  expect(udpChecksum(bytes, 0)).toBe(0xffff);
});
