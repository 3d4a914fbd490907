import { isChecksumValid, sumBytes } from '../../src/wire/checksum.js';
import {
  ACK,
  finishTcp,
  SYN,
  tcpAcknowledgment,
  tcpDestinationPort,
  tcpFlags,
  tcpHeaderLength,
  tcpSequence,
  tcpSourcePort,
  tcpWindow,
  writeTcpControl,
  writeTcpNumbers,
  writeTcpPorts,
} from '../../src/wire/tcp.js';

it('lays out the header as in RFC 9293 3.1 (MUST-2)', () => {
  const bytes = new Uint8Array(25);
  writeTcpPorts(bytes, 1, 0x1234, 80);
  writeTcpNumbers(bytes, 1, -1, 0x01020304);
  writeTcpControl(bytes, 1, 24, SYN | ACK, 0xfffe);
  finishTcp(bytes, 1, 24, 0);
  expect([...bytes.subarray(1, 17)]).toEqual([
    ...[0x12, 0x34, 0, 80],
    ...[0xff, 0xff, 0xff, 0xff],
    ...[1, 2, 3, 4],
    ...[0x60, 0x12, 0xff, 0xfe],
  ]);
  expect(isChecksumValid(sumBytes(bytes, 1, 24))).toBe(true);
  expect(tcpSourcePort(bytes, 1)).toBe(0x1234);
  expect(tcpDestinationPort(bytes, 1)).toBe(80);
  expect(tcpSequence(bytes, 1)).toBe(-1);
  expect(tcpAcknowledgment(bytes, 1)).toBe(0x01020304);
  expect(tcpHeaderLength(bytes, 1)).toBe(24);
  expect(tcpFlags(bytes, 1)).toBe(0x12);
  expect(tcpWindow(bytes, 1)).toBe(0xfffe);
});
