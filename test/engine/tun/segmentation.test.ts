import { segment } from '../../../src/engine/tun/segmentation.js';
import { allocatePacketMemory, packetBuffer } from '../../../src/lib/packets/packet-memory.js';
import { packetInSlot, PacketSlots } from '../../../src/lib/packets/packet-slot.js';
import { checksum, isIntact, OUR_V4, PEER_V4, udp, v4, v6 } from '../../netstack/packets.js';
import {
  ACK,
  CWR,
  FIN,
  frameOf,
  pattern,
  pseudoSum,
  PSH,
  TCP,
  type TcpFields,
  tcpPacket,
  UDP,
} from './frames.js';

const TIMESTAMPS = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];

/** Where frames are read: in this memory, WebAssembly copies and sums long segments. */
const received = allocatePacketMemory(66_000)!;

/** The packets of a frame, in any memory; undefined if it is refused. */
function packetsOf(frame: Uint8Array): Uint8Array[] | undefined {
  const inPlace = received.part(3, 3 + frame.length);
  inPlace.set(frame);
  const packets = cut(frame.slice());
  expect(cut(inPlace)).toEqual(packets);
  return packets;
}

function cut(frame: Uint8Array): Uint8Array[] | undefined {
  const slots: Uint8Array[] = [];
  const allocator = new PacketSlots();
  const isWell = segment(frame, allocator, (slot) => void slots.push(slot));
  expect(slots.every(({ buffer }) => buffer === packetBuffer())).toBe(true);
  // The next turn reads into the same memory.
  frame.fill(0xaa);
  const packets = slots.map((slot) => packetInSlot(slot).slice());
  allocator.recycle();
  return isWell ? packets : undefined;
}

/** A large TCP packet as Linux delivers it. */
function largeTcp(length: number, gsoSize: number, fields: TcpFields = {}) {
  const { version = 4, options = [] } = fields;
  const transport = version === 4 ? 20 : 40;
  const packet = tcpPacket(pattern(length), fields);
  packet.set(pseudoSum(version, TCP, packet.length - transport), transport + 16);
  const headerLength = transport + 20 + options.length;
  return frameOf(packet, {
    flags: 1,
    gsoType: version === 4 ? 1 : 4,
    headerLength,
    gsoSize,
    checksumStart: transport,
    checksumOffset: 16,
  });
}

describe('a packet without segmentation', () => {
  it('is unchanged', () => {
    const packet = tcpPacket(pattern(100));
    expect(packetsOf(frameOf(packet))).toEqual([packet]);
  });

  it.each([4, 6] as const)('gets its missing checksum, IPv%i', (version) => {
    const whole = tcpPacket(pattern(101), { version });
    const transport = version === 4 ? 20 : 40;
    const unfinished = whole.slice();
    unfinished.set(pseudoSum(version, TCP, whole.length - transport), transport + 16);
    const header = { flags: 1, checksumStart: transport, checksumOffset: 16 };
    expect(packetsOf(frameOf(unfinished, header))).toEqual([whole]);
  });

  it('never gets a UDP checksum of zero (RFC 768)', () => {
    // With this payload the sum is 0xffff.
    const packet = v4(UDP, udp([1, 2], [0, 0], false));
    const rest = (packet[26]! << 8) | packet[27]!;
    packet.set([rest >> 8, rest & 0xff], 28);
    packet.set(pseudoSum(4, UDP, 10), 26);
    const [finished] = packetsOf(
      frameOf(packet, { flags: 1, checksumStart: 20, checksumOffset: 6 }),
    )!;
    expect([...finished!.subarray(26, 28)]).toEqual([0xff, 0xff]);
  });
});

describe('a TCP packet of many segments', () => {
  it.each([
    [4, 0xffff_ff00, [0x0000_02e8, 0x0000_06d0]],
    [4, 0x1234_ff00, [0x1235_02e8, 0x1235_06d0]],
    [6, 0xffff_ff00, [0x0000_02e8, 0x0000_06d0]],
  ] as const)('is split, IPv%i, from sequence number %i', (version, seq, next) => {
    const packets = packetsOf(
      largeTcp(2500, 1000, {
        version,
        seq,
        options: TIMESTAMPS,
        flags: ACK | PSH | FIN,
      }),
    )!;
    const transport = version === 4 ? 20 : 40;
    const payload = transport + 32;
    expect(packets.map(({ length }) => length - payload)).toEqual([1000, 1000, 500]);
    expect(packets.map(isIntact)).toEqual([true, true, true]);
    expect(packets.flatMap((packet) => [...packet.subarray(payload)])).toEqual(pattern(2500));
    const sequences = packets.map((packet) => new DataView(packet.buffer).getUint32(transport + 4));
    expect(sequences).toEqual([seq, ...next]);
    // Only the last segment has FIN and PSH.
    expect(packets.map((packet) => packet[transport + 13])).toEqual([ACK, ACK, ACK | PSH | FIN]);
    for (const packet of packets) {
      expect([...packet.subarray(transport + 20, payload)]).toEqual(TIMESTAMPS);
    }
  });

  it('numbers the IPv4 packets consecutively', () => {
    const packets = packetsOf(largeTcp(30, 10, { id: 0xffff }))!;
    const ids = packets.map((packet) => (packet[4]! << 8) | packet[5]!);
    expect(ids).toEqual([0xffff, 0, 1]);
    expect(packets.map(isIntact)).toEqual([true, true, true]);
  });

  it('keeps the options of its IPv4 header', () => {
    const plain = largeTcp(30, 10);
    const frame = Uint8Array.of(...plain.subarray(0, 30), 1, 1, 1, 1, ...plain.subarray(30));
    frame[10] = 0x46;
    new DataView(frame.buffer).setUint16(6, 24, true);
    const packets = packetsOf(frame)!;
    expect(packets.map((packet) => checksum([...packet.subarray(0, 24)]))).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(packets.map((packet) => packet.slice(24))).toEqual(
      packetsOf(plain)!.map((packet) => packet.slice(20)),
    );
  });

  it('keeps the reserved bits of its TCP header', () => {
    const frame = largeTcp(30, 10);
    frame[10 + 32]! |= 1;
    const packets = packetsOf(frame)!;
    expect(packets.map((packet) => [packet[32], isIntact(packet)])).toEqual(
      new Array(3).fill([0x51, true]),
    );
  });

  it('has CWR only on its first segment (RFC 3168 6.1.2)', () => {
    const frame = largeTcp(30, 10, { flags: ACK | CWR });
    frame[1] = 0x81;
    const flags = packetsOf(frame)!.map((packet) => packet[33]);
    expect(flags).toEqual([ACK | CWR, ACK, ACK]);
  });

  it('ignores the frame’s header length, which is wrong if the kernel forwards', () => {
    const frame = largeTcp(30, 10);
    frame.set([70, 0], 2);
    expect(packetsOf(frame)!.map(({ length }) => length)).toEqual([50, 50, 50]);
  });
});

describe('a UDP packet of many datagrams', () => {
  it.each([4, 6] as const)('is split, IPv%i', (version) => {
    const data = pattern(250);
    const bytes = udp([7, 8], data, version === 6);
    const packet = version === 4 ? v4(UDP, bytes) : v6(UDP, bytes);
    const transport = version === 4 ? 20 : 40;
    const header = {
      flags: 1,
      gsoType: 5,
      gsoSize: 100,
      checksumStart: transport,
      checksumOffset: 6,
    };
    const packets = packetsOf(frameOf(packet, header))!;
    expect(packets.map(({ length }) => length - transport - 8)).toEqual([100, 100, 50]);
    expect(packets.map(isIntact)).toEqual([true, true, true]);
    const lengths = packets.map((one) => (one[transport + 4]! << 8) | one[transport + 5]!);
    expect(lengths).toEqual([108, 108, 58]);
    expect(packets.flatMap((one) => [...one.subarray(transport + 8)])).toEqual(data);
  });
});

it('gives no datagram a UDP checksum of zero (RFC 768)', () => {
  const header = { flags: 1, gsoType: 5, gsoSize: 2, checksumStart: 20, checksumOffset: 6 };
  const cutWith = (data: readonly number[]) =>
    packetsOf(frameOf(v4(UDP, udp([7, 8], data, false)), header))![0]!;
  const rest = cutWith([0, 0, 0, 0]).subarray(26, 28);
  // With this payload the sum is 0xffff.
  expect([...cutWith([...rest, 0, 0]).subarray(26, 28)]).toEqual([0xff, 0xff]);
});

describe('a frame that Linux does not write', () => {
  const packet = tcpPacket(pattern(100));
  const cases: Record<string, Uint8Array> = {
    'no packet': frameOf(new Uint8Array(0)),
    'half a virtio_net_hdr': new Uint8Array(5),
    'a truncated IP header': frameOf(packet.subarray(0, 19)),
    'a truncated IPv6 header': frameOf(v6(TCP, []).subarray(0, 39)),
    'an unknown IP version': frameOf(Uint8Array.of(0x50, ...packet.subarray(1))),
    'an unknown kind': frameOf(packet, { gsoType: 3, gsoSize: 10, checksumStart: 20 }),
    'a checksum beyond the end': frameOf(packet, {
      flags: 1,
      checksumStart: 139,
      checksumOffset: 0,
    }),
    'segments of zero length': frameOf(packet, { gsoType: 1, gsoSize: 0, checksumStart: 20 }),
    'a TCP header inside the IP header': frameOf(packet, {
      gsoType: 1,
      gsoSize: 10,
      checksumStart: 19,
    }),
    'a TCP header beyond the end': frameOf(packet, { gsoType: 1, gsoSize: 10, checksumStart: 121 }),
    'a TCP header without payload': frameOf(tcpPacket([]), {
      gsoType: 1,
      gsoSize: 10,
      checksumStart: 20,
    }),
    'UDP without payload': frameOf(v4(UDP, udp([1, 2], [], false)), {
      gsoType: 5,
      gsoSize: 10,
      checksumStart: 20,
    }),
  };

  it.each(Object.entries(cases))('is refused: %s', (_name, frame) => {
    expect(packetsOf(frame)).toBeUndefined();
  });

  it.each([
    ['shorter than its minimum', 0x44],
    ['that contains a part of the TCP header', 0x46],
  ])('is refused: an IPv4 header %s', (_name, first) => {
    const frame = largeTcp(30, 10);
    frame[10] = first;
    expect(packetsOf(frame)).toBeUndefined();
  });

  it('is refused: a TCP header that is too short', () => {
    const frame = largeTcp(30, 10);
    frame[10 + 32] = 0x40;
    expect(packetsOf(frame)).toBeUndefined();
  });
});

it('preserves the addresses', () => {
  const [packet] = packetsOf(largeTcp(30, 10))!;
  expect([...packet!.subarray(12, 20)]).toEqual([...PEER_V4, ...OUR_V4]);
});
