import * as fc from 'fast-check';

import { TcpCoalescer } from '../../../src/engine/tun/coalescing.js';
import { segment } from '../../../src/engine/tun/segmentation.js';
import { packetInSlot, PacketSlots } from '../../../src/lib/packets/packet-slot.js';
import { isIntact, udp, v4, v6 } from '../../netstack/packets.js';
import {
  ACK,
  FIN,
  pattern,
  pseudoSum,
  PSH,
  TCP,
  type TcpFields,
  tcpPacket,
  UDP,
} from './frames.js';

/** The frames written for these packets, as one batch. */
function framesOf(...packets: Uint8Array[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const coalescer = new TcpCoalescer((parts) => frames.push(joined(parts)));
  for (const packet of packets) coalescer.add(inRoom(packet));
  coalescer.flush();
  return frames;
}

/** The packet with the room around it that a received datagram has. */
function inRoom(packet: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(16 + packet.length + 16).fill(0xaa);
  datagram.set(packet, 16);
  return datagram.subarray(16, 16 + packet.length);
}

/** Packets of a stream, with `size` bytes in each except the last. */
function stream(total: number, size: number, fields: TcpFields = {}): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let from = 0; from < total; from += size) {
    const length = Math.min(size, total - from);
    const seq = ((fields.seq ?? 1000) + from) >>> 0;
    packets.push(tcpPacket(pattern(length, from), { ...fields, seq }));
  }
  return packets;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const WHOLE = new Uint8Array(10);

function payloads(frames: readonly Uint8Array[]): number[] {
  return frames.map(({ length }) => length - 50);
}

describe('segments in sequence', () => {
  it.each([4, 6] as const)('are merged into one packet, IPv%i', (version) => {
    const transport = version === 4 ? 20 : 40;
    const [frame, ...others] = framesOf(...stream(2500, 1000, { version, seq: 0xffff_ff00 }));
    expect(others).toEqual([]);
    // flags, gso_type, hdr_len, gso_size, csum_start, csum_offset
    const [type, size] = [version === 4 ? 1 : 4, [0xe8, 3]];
    expect([...frame!.subarray(0, 10)]).toEqual([
      1,
      type,
      transport + 20,
      0,
      ...size,
      transport,
      0,
      16,
      0,
    ]);
    const packet = frame!.subarray(10);
    expect([...packet.subarray(transport + 20)]).toEqual(pattern(2500));
    expect([...packet.subarray(transport + 16, transport + 18)]).toEqual([
      ...pseudoSum(version, TCP, 2520),
    ]);
    const length = version === 4 ? packet.length : packet.length - 40;
    const field = version === 4 ? 2 : 4;
    expect((packet[field]! << 8) | packet[field + 1]!).toBe(length);
    expect(packet[transport + 13]).toBe(ACK);
  });

  it('get a valid IPv4 header checksum', () => {
    const [frame] = framesOf(...stream(2000, 1000));
    const packet = frame!.slice(10);
    // The TCP checksum is partial: replace it with the complete one.
    const whole = tcpPacket(pattern(2000));
    packet.set(whole.subarray(36, 38), 36);
    expect(isIntact(packet)).toBe(true);
  });

  it('end with a shorter segment or a PSH', () => {
    const [first, short] = stream(1500, 1000);
    const next = tcpPacket(pattern(500, 1500), { seq: 2500 });
    expect(payloads(framesOf(first!, short!, next))).toEqual([1500, 500]);
    const pushed = tcpPacket(pattern(1000, 1000), { seq: 2000, flags: ACK | PSH });
    const behind = tcpPacket(pattern(1000, 2000), { seq: 3000 });
    const frames = framesOf(first!, pushed, behind);
    expect(payloads(frames)).toEqual([2000, 1000]);
    expect(frames[0]![10 + 33]).toBe(ACK | PSH);
  });

  it('are merged up to 65,535 bytes', () => {
    const frames = framesOf(...stream(70_000, 1000));
    expect(payloads(frames)).toEqual([65_000, 5_000]);
  });

  it('of different connections are not merged', () => {
    const [one, other] = [stream(3000, 1000), stream(3000, 1000, { port: 81 })];
    const frames = framesOf(...one.flatMap((packet, index) => [packet, other[index]!]));
    expect(payloads(frames)).toEqual([3000, 3000]);
    expect(frames.map((frame) => frame[31])).toEqual([80, 81]);
  });

  it('that complete a packet leave the other connections in their order', () => {
    const ports = [80, 81, 82];
    const firsts = ports.map((port) => tcpPacket(pattern(100), { port, seq: 1000 }));
    const last = tcpPacket(pattern(100), { port: 81, seq: 1100, flags: ACK | PSH });
    const frames = framesOf(...firsts, last);
    expect(frames.map((frame) => frame[31])).toEqual([81, 80, 82]);
    expect(payloads(frames)).toEqual([200, 100, 100]);
  });

  it('of a ninth connection flush the oldest connection', () => {
    const ports = Array.from({ length: 9 }, (_, index) => 80 + index);
    const rounds = [0, 1].flatMap((round) =>
      ports.map((port) => tcpPacket(pattern(100), { port, seq: 1000 + round * 100 })),
    );
    const frames = framesOf(...rounds);
    // No packet is lost, and each connection is in order.
    for (const port of ports) {
      const total = frames.filter((frame) => frame[31] === port);
      expect(payloads(total).reduce((sum, length) => sum + length, 0)).toBe(200);
    }
  });

  it('start a new packet after a flush', () => {
    const frames: Uint8Array[] = [];
    const coalescer = new TcpCoalescer((parts) => frames.push(joined(parts)));
    for (const from of [0, 2000]) {
      for (const packet of stream(2000, 1000, { seq: 1000 + from })) coalescer.add(inRoom(packet));
      coalescer.flush();
    }
    expect(payloads(frames)).toEqual([2000, 2000]);
  });
});

describe('a segment that cannot be merged', () => {
  const first = tcpPacket(pattern(1000));
  const second = (fields: TcpFields) => tcpPacket(pattern(1000, 1000), { seq: 2000, ...fields });
  const cases: Record<string, TcpFields> = {
    'a gap': { seq: 2001 },
    'a repetition': { seq: 1000 },
    'another acknowledgment': { ack: 5001 },
    'another window': { window: 513 },
    'another header length': { options: [1, 1, 1, 1] },
    'another time to live': { timeToLive: 63 },
    'another type of service': { typeOfService: 1 },
    'another DF': { dontFragment: false, id: 1 },
    'a wrong checksum': { checksumError: 1 },
    'a FIN': { flags: ACK | FIN },
    'a SYN': { flags: ACK | 2 },
    'an urgent pointer': { flags: ACK | 0x20 },
  };

  it.each(Object.entries(cases))('is unchanged: %s', (_name, fields) => {
    const other = second(fields);
    const frames = framesOf(first, other);
    expect(frames).toEqual([Uint8Array.of(...WHOLE, ...first), Uint8Array.of(...WHOLE, ...other)]);
  });

  it.each([
    ['traffic class', { typeOfService: 4 }],
    ['hop limit', { timeToLive: 63 }],
  ] as const)('is unchanged: another %s of IPv6', (_name, fields) => {
    const head = tcpPacket(pattern(1000), { version: 6 });
    const other = second({ version: 6, ...fields });
    expect(framesOf(head, other)).toHaveLength(2);
  });

  it('has a different value in the same options', () => {
    const timestamps = (tsVal: number) => [1, 1, 8, 10, 0, 0, 0, tsVal, 0, 0, 0, 2];
    const head = tcpPacket(pattern(1000), { options: timestamps(1) });
    expect(framesOf(head, second({ options: timestamps(1) }))).toHaveLength(1);
    expect(framesOf(head, second({ options: timestamps(2) }))).toHaveLength(2);
  });

  it('is a first segment with a wrong checksum, which stays wrong', () => {
    const wrong = tcpPacket(pattern(1000), { checksumError: 1 });
    const frames = framesOf(wrong, second({}));
    expect(frames[0]).toEqual(Uint8Array.of(...WHOLE, ...wrong));
    expect(frames).toHaveLength(2);
  });

  it('is a longer segment after a shorter one', () => {
    const head = tcpPacket(pattern(500));
    expect(framesOf(head, tcpPacket(pattern(1000, 500), { seq: 1500 }))).toHaveLength(2);
  });

  it('may be fragmented and does not have the next identification (RFC 6864 4.2)', () => {
    const [id, dontFragment] = [0xffff, false];
    const head = tcpPacket(pattern(1000), { id, dontFragment });
    expect(framesOf(head, second({ id: 0, dontFragment }))).toHaveLength(1);
    expect(framesOf(head, second({ id: 1, dontFragment }))).toHaveLength(2);
  });

  it('is not TCP, or only an acknowledgment', () => {
    const datagram = v4(UDP, udp([1, 2], pattern(50), false));
    const overIpv6 = v6(UDP, udp([1, 2], pattern(50), true));
    const acknowledgment = tcpPacket([]);
    for (const packet of [datagram, overIpv6, acknowledgment]) {
      expect(framesOf(packet, packet)).toEqual(Array(2).fill(Uint8Array.of(...WHOLE, ...packet)));
    }
  });

  it('never overtakes an earlier one of its connection', () => {
    const acknowledgment = tcpPacket([], { seq: 3000 });
    expect(payloads(framesOf(first, second({}), acknowledgment))).toEqual([2000, 0]);
  });

  it('has headers after which TCP cannot be parsed', () => {
    const withOptions = v4(TCP, [...first.subarray(20)], { options: [1, 1, 1, 1] });
    const fragment = v4(TCP, [...first.subarray(20)], { more: true });
    const truncated = first.slice(0, 30);
    for (const packet of [withOptions, fragment, truncated]) {
      expect(framesOf(packet, packet)).toHaveLength(2);
    }
  });
});

it('splitting returns the original segments (fast-check)', () => {
  const packets = fc.array(
    fc.record({
      version: fc.constantFrom(4 as const, 6 as const),
      port: fc.constantFrom(80, 81),
      gap: fc.constantFrom(0, 0, 0, 0, 1),
      length: fc.constantFrom(0, 40, 100, 100, 100, 100),
      flags: fc.constantFrom(ACK, ACK, ACK, ACK, ACK | PSH, ACK | FIN),
    }),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(packets, (plan) => {
      const next = new Map<string, number>();
      const sent = plan.map(({ version, port, gap, length, flags }) => {
        const key = `${version} ${port}`;
        const seq = (next.get(key) ?? 1000) + gap;
        next.set(key, seq + length);
        return tcpPacket(pattern(length, seq), { version, port, seq, flags });
      });
      const came: Uint8Array[] = [];
      for (const frame of framesOf(...sent)) {
        segment(frame, new PacketSlots(), (slot) => came.push(withoutId(packetInSlot(slot))));
      }
      const flowOf = (packet: Uint8Array) =>
        [packet[0], packet[packet[0] === 0x45 ? 21 : 41]].join();
      for (const flow of new Set(sent.map(flowOf))) {
        const [before, after] = [sent, came].map((all) =>
          all.filter((one) => flowOf(one) === flow),
        );
        expect(after).toEqual(before!.map(withoutId));
      }
    }),
  );
});

/** The identification of a packet that may not be fragmented is meaningless (RFC 6864 4). */
function withoutId(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  if (copy[0] === 0x45) copy.fill(0, 4, 6).fill(0, 10, 12);
  return copy;
}
