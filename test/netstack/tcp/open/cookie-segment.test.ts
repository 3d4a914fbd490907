import { packetInSlot, PacketSlots } from '../../../../src/lib/packets/packet-slot.js';
import { IpHeader } from '../../../../src/netstack/ip/ip-header.js';
import { createCookieSegment } from '../../../../src/netstack/tcp/open/cookie-segment.js';
import { Segment } from '../../../../src/netstack/tcp/segment.js';
import { isChecksumValid, sumBytes, sumPseudoHeader } from '../../../../src/wire/checksum.js';
import { ACK, SYN } from '../../../../src/wire/tcp.js';
import { ip } from '../../../support/pairs/netstack-pair.js';

it('is a SYN-ACK with only the MSS option and a window that needs no scale', () => {
  const from = ip('10.0.0.1');
  const to = ip('10.0.0.2');
  const syn = new Segment();
  Object.assign(syn, { sourcePort: 40_000, destinationPort: 80, segSeq: 0x7fff_ffff });
  const header = new IpHeader(from, to, 6);
  const packet = packetInSlot(createCookieSegment(new PacketSlots(), header, syn, -77, 1360));
  expect(packet).toHaveLength(44);
  const segment = new Segment();
  expect(segment.parse(packet, 20, 24)).toBe(true);
  expect(segment).toMatchObject({
    sourcePort: 80,
    destinationPort: 40_000,
    segSeq: -77,
    segAck: -0x8000_0000,
    segWnd: 0xffff,
    flags: SYN | ACK,
    payloadLength: 0,
  });
  expect(segment.options).toMatchObject({
    mss: 1360,
    windowShift: -1,
    sackPermitted: false,
    hasTimestamps: false,
  });
  const pseudoSum = sumPseudoHeader(from, to, 6, 24);
  expect(isChecksumValid(pseudoSum + sumBytes(packet, 20, 24))).toBe(true);
});
