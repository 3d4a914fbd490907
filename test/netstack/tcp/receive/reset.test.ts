/** RFC 9293 3.10.7.1, and figure 1 for the positions of the fields. */
import { packetInSlot, PacketSlots } from '../../../../src/lib/packets/packet-slot.js';
import { IpHeader } from '../../../../src/netstack/ip/ip-header.js';
import { createReset } from '../../../../src/netstack/tcp/receive/reset.js';
import { isIntact, long, OUR_V4, OUR_V6, PEER_V4, PEER_V6, TCP, word } from '../../packets.js';
import { ACK, FIN, Harness, PSH, RST, SYN, TIMESTAMPS_OPTION } from '../../tcp-harness.js';
import { type Fields, OUR_PORT, PEER_PORT, segmentOf } from '../lone-tcb.js';

const TIMESTAMP = 77;

/** The reset that answers a segment. */
function reset(fields: Fields, isIpv6 = false): Uint8Array {
  const header = isIpv6 ? new IpHeader(OUR_V6, PEER_V6, TCP) : new IpHeader(OUR_V4, PEER_V4, TCP);
  return packetInSlot(createReset(new PacketSlots(), header, segmentOf(fields), TIMESTAMP));
}

/** The TCP header of a reset except for its checksum. */
function expected(seq: number, ack: number, flags: number): number[] {
  return [
    ...[...word(OUR_PORT), ...word(PEER_PORT), ...long(seq), ...long(ack)],
    ...[5 << 4, flags, ...word(0), 0, 0],
  ];
}

function withoutChecksum(packet: Uint8Array): number[] {
  const tcp = [...packet.subarray(-20)];
  tcp.splice(16, 2);
  return tcp;
}

it.each([
  ['an ACK', { flags: ACK, seq: 7, ack: 0x8000_0001 }],
  ['a SYN with ACK', { flags: SYN | ACK, seq: 7, ack: 0x8000_0001 }],
  ['text', { flags: PSH | ACK, seq: 7, ack: 0x8000_0001, text: [1, 2, 3] }],
])('to %s is <SEQ=SEG.ACK><CTL=RST>', (_, fields) => {
  expect(withoutChecksum(reset(fields))).toEqual(expected(0x8000_0001, 0, RST));
});

it.each([
  ['a SYN', { flags: SYN, seq: 0x7fff_ffff }, 0x8000_0000],
  ['text', { flags: PSH, seq: 100, text: [1, 2, 3] }, 103],
  ['text and FIN', { flags: FIN, seq: 0xffff_ffff, ack: 9, text: [1, 2, 3] }, 3],
])('to %s without ACK is <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>', (_, fields, ack) => {
  expect(withoutChecksum(reset(fields))).toEqual(expected(0, ack, RST | ACK));
});

it.each([
  ['IPv4', false, 40],
  ['IPv6', true, 60],
])('is a complete packet of %s with its checksums', (_, isIpv6, length) => {
  const packet = reset({ flags: SYN }, isIpv6);
  expect(packet).toHaveLength(length);
  expect(packet[0]! >> 4).toBe(isIpv6 ? 6 : 4);
  expect(isIntact(packet)).toBe(true);
});

function refused(flags: number, options: number[], ms = 0) {
  const h = new Harness();
  h.after(ms);
  h.ourPort = 9;
  h.receives({ flags, seq: 5, ack: 7, options });
  return h.sends();
}

it.each([
  ['SYN', SYN, 'RST,ACK'],
  ['ACK', ACK, 'RST'],
])(
  'echoes the timestamp of a %s, with a later one of its own (RFC 7323 5.2)',
  (_, flags, answer) => {
    const [reset, ...others] = refused(flags, TIMESTAMPS_OPTION(0x8123_4567, 99));
    const [later] = refused(flags, TIMESTAMPS_OPTION(0x8123_4567, 99), 5);
    expect(others).toEqual([]);
    expect(reset).toMatchObject({ flags: answer, len: 0 });
    expect(reset!.options).toMatchObject({ hasTimestamps: true, tsEcr: 0x8123_4567 | 0 });
    expect((later!.options.tsVal - reset!.options.tsVal) | 0).toBe(5);
  },
);
