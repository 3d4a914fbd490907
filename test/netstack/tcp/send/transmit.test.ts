/** The bytes of segments: RFC 9293 3.1, RFC 7323 2 and 3, RFC 2018 2 and 3. */
import { packetInSlot } from '../../../../src/lib/packets/packet-slot.js';
import { createSegment, sendAck } from '../../../../src/netstack/tcp/send/transmit.js';
import type { Tcb } from '../../../../src/netstack/tcp/tcb.js';
import { isIntact, long, OUR_V4, PEER_V4, word } from '../../packets.js';
import { ACK, PSH, SYN } from '../../tcp-harness.js';
import {
  loneTcb,
  NOW,
  type NotingHost,
  OUR_ISS,
  OUR_PORT,
  PEER_ISS,
  PEER_PORT,
} from '../lone-tcb.js';

const TEXT = [11, 12, 13, 14, 15, 16];
const TIMESTAMPS = [1, 1, 8, 10, ...long(NOW + 7), ...long(77)];

interface Known {
  readonly timestamps?: boolean;
  readonly sack?: boolean;
  readonly windowScale?: boolean;
}

/**
 * Established with a peer; TEXT is in the send ring. TS.Recent is 77, the local clock is 7 ms
 * ahead.
 */
function established(known: Known = {}): { tcb: Tcb; host: NotingHost } {
  const { tcb, host } = loneTcb('ESTABLISHED', { timestampOffset: 7 });
  const { timestamps = false, sack = false, windowScale = false } = known;
  Object.assign(tcb, { timestamps, sack, windowScale, tsRecent: 77 });
  tcb.receiver.synchronize(PEER_ISS);
  tcb.receiver.usesSack = sack;
  tcb.receiver.shift = windowScale ? 2 : 0;
  tcb.sender.ring.write(Uint8Array.from(TEXT));
  return { tcb, host };
}

/** Receives data after gaps; the last range arrives last. */
function withGaps(tcb: Tcb, ...starts: number[]): void {
  tcb.receiver.advertise(0);
  for (const start of starts) {
    tcb.receiver.takeText(new Uint8Array(10), 0, 10, PEER_ISS + start);
  }
}

/** The TCP part of a packet without its checksum, which is verified. */
function tcpOf(packet: Uint8Array): number[] {
  expect(isIntact(packet)).toBe(true);
  expect([...packet.subarray(2, 4)]).toEqual(word(packet.length));
  expect([...packet.subarray(12, 20)]).toEqual([...OUR_V4, ...PEER_V4]);
  const tcp = [...packet.subarray(20)];
  tcp.splice(16, 2);
  return tcp;
}

function create(tcb: Tcb, seq: number, flags: number, length = 0): number[] {
  return tcpOf(packetInSlot(createSegment(tcb, seq, flags, length, NOW)));
}

/** A header of `length` bytes without its checksum. */
function header(seq: number, ack: number, length: number, flags: number, wnd: number): number[] {
  return [
    ...[...word(OUR_PORT), ...word(PEER_PORT), ...long(seq), ...long(ack)],
    ...[(length / 4) << 4, flags, ...word(wnd), 0, 0],
  ];
}

const NEXT = PEER_ISS + 1;

describe('a segment with data', () => {
  it('copies it from the ring at its sequence number', () => {
    const { tcb } = established();
    const front = header(OUR_ISS + 3, NEXT, 20, PSH | ACK, 0xffff);
    expect(create(tcb, OUR_ISS + 3, PSH | ACK, 3)).toEqual([...front, 13, 14, 15]);
  });

  it('leaves SACK blocks to a separate ACK', () => {
    const { tcb } = established({ sack: true });
    withGaps(tcb, 101);
    expect(create(tcb, OUR_ISS + 1, ACK, 6)).toHaveLength(18 + 6);
  });
});

describe('an ACK', () => {
  it('has no data, but has the window', () => {
    const { tcb } = established();
    expect(create(tcb, 9, ACK)).toEqual(header(9, NEXT, 20, ACK, 0xffff));
  });

  it('clears the receiver’s pending ACK', () => {
    const { tcb } = established();
    Object.assign(tcb.receiver, { ackNow: true, delayedAckAt: 5, lastAckSent: 0 });
    create(tcb, 9, ACK);
    expect(tcb.receiver).toMatchObject({ ackNow: false, delayedAckAt: Infinity });
    expect(tcb.receiver.lastAckSent).toBe(NEXT);
  });

  it('reports the octets received after a gap, the newest first (RFC 2018 4)', () => {
    const { tcb } = established({ sack: true, timestamps: true });
    withGaps(tcb, 101, 301);
    expect(create(tcb, 9, ACK)).toEqual([
      ...header(9, NEXT, 52, ACK, 0xffff),
      ...TIMESTAMPS,
      ...[1, 1, 5, 18],
      ...[...long(PEER_ISS + 301), ...long(PEER_ISS + 311)],
      ...[...long(PEER_ISS + 101), ...long(PEER_ISS + 111)],
    ]);
  });

  it('is sent at once, at SND.NXT', () => {
    const { tcb, host } = established();
    tcb.sender.sndNxt = OUR_ISS + 5;
    sendAck(tcb, NOW);
    expect(host.emitted.map(tcpOf)).toEqual([header(OUR_ISS + 5, NEXT, 20, ACK, 0xffff)]);
    expect(host.queued).toEqual([]);
  });
});

describe('a SYN', () => {
  const MSS = [2, 4, ...word(1_000)];
  // 128 KiB need a shift of two.
  const SHIFT = [1, 3, 3, 2];
  const PERMITTED = [1, 1, 4, 2];

  it('offers all options, and acknowledges nothing', () => {
    const { tcb } = established({ timestamps: true, sack: true, windowScale: true });
    tcb.receiver.ackNow = true;
    const segment = create(tcb, OUR_ISS, SYN);
    expect(segment.slice(0, 18)).toEqual(header(OUR_ISS, 0, 44, SYN, 0xffff));
    const options = segment.slice(18);
    expect(options).toHaveLength(24);
    expect(options.slice(0, 4)).toEqual(MSS);
    expect(options.slice(-12)).toEqual(TIMESTAMPS);
    expect([...options.slice(4, 12)].sort()).toEqual([...SHIFT, ...PERMITTED].sort());
    expect(tcb.receiver.ackNow).toBe(true);
  });

  it('offers only MSS if the peer offered nothing', () => {
    const segment = create(established().tcb, OUR_ISS, SYN | ACK);
    expect(segment).toEqual([...header(OUR_ISS, NEXT, 24, SYN | ACK, 0xffff), ...MSS]);
  });

  it('never has a scaled window (RFC 7323 2.2) or SACK blocks (tcp_handshake_window_size)', () => {
    const { tcb } = established({ windowScale: true, sack: true });
    withGaps(tcb, 101);
    const segment = create(tcb, OUR_ISS, SYN | ACK);
    expect(segment.slice(0, 18)).toEqual(header(OUR_ISS, NEXT, 32, SYN | ACK, 0xffff));
    expect(segment).toHaveLength(30);
  });
});
