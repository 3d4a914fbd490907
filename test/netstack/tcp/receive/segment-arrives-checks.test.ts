/**
 * RFC 9293 3.10.7.4, second to eighth step: the effects that a segment must not have if a check
 * fails.
 */
import type { DropReason } from '../../../../src/netstack/drop-reason.js';
import { becomeEstablished, synchronize } from '../../../../src/netstack/tcp/open/handshake.js';
import { segmentArrives } from '../../../../src/netstack/tcp/receive/segment-arrives.js';
import {
  ACK,
  FIN,
  Harness,
  MSS_OPTION,
  RST,
  SACK_SYN,
  type Seg,
  STATES,
  SYN,
} from '../../tcp-harness.js';
import { loneTcb, type LoneTcb, NOW, OUR_ISS, PEER_ISS, segmentOf } from '../lone-tcb.js';

/** Established, with this many octets in flight. */
function inFlight(octets: number, syn: number[] = MSS_OPTION(1000)): Harness {
  const h = new Harness().establish({ syn, rtt: 100 });
  h.connection.send(new Uint8Array(octets));
  h.sends();
  return h;
}

function loneEstablished(): LoneTcb {
  const lone = loneTcb('SYN-SENT');
  const synAck = segmentOf({ flags: SYN | ACK, ack: OUR_ISS + 1 });
  synchronize(lone.tcb, synAck, NOW);
  lone.tcb.sender.acknowledgeSyn(-1, NOW);
  becomeEstablished(lone.tcb, synAck, NOW);
  return lone;
}

describe('a segment that fails a check', () => {
  it.each<[string, Seg, DropReason]>([
    ['RST not at RCV.NXT', { flags: RST | ACK, seq: 2, ack: 11, data: 10 }, 'tcp-reset'],
    ['SYN', { flags: SYN | ACK, seq: 1, ack: 11, data: 10 }, 'tcp-syn'],
    ['SYN and FIN', { flags: SYN | FIN | ACK, seq: 1, ack: 11 }, 'tcp-syn'],
    ['an ACK of unsent data', { flags: FIN | ACK, seq: 1, ack: 12, data: 10 }, 'tcp-ack'],
    ['an old ACK', { flags: FIN | ACK, seq: 1, ack: -60_001, data: 10 }, 'tcp-ack'],
  ])('by %s is counted and answered, and has no other effect', (_, seg, reason) => {
    const h = inFlight(10);
    const { sndWnd } = h.connection.info();
    h.receives({ ...seg, wnd: 77 });
    expect(h.stack.drops.of(reason)).toBe(1);
    expect(h.sendsBriefly()).toEqual(['ACK 11+0 1']);
    expect(h.connection.unacknowledgedBytes).toBe(10);
    expect(h.connection.readableBytes).toBe(0);
    expect(h.connection.info()).toMatchObject({ state: 'ESTABLISHED', sndWnd });
    expect(h.events).toEqual([]);
  });

  it('by a missing ACK is counted, and its ACK field is ignored (RFC 9293 3.10.7.4)', () => {
    const { tcb, host } = loneEstablished();
    const [una, next] = [OUR_ISS + 1, PEER_ISS + 1];
    segmentArrives(tcb, segmentOf({ flags: 0, seq: next, ack: una, wnd: 9, text: [1] }), NOW);
    segmentArrives(tcb, segmentOf({ flags: FIN, seq: next, ack: una, wnd: 9 }), NOW);
    expect(host.drops.of('tcp-ack')).toBe(2);
    expect(tcb.state).toBe('ESTABLISHED');
    expect(tcb.receiver.rcvNxt).toBe(next);
    expect(tcb.sender.sndWnd).toBe(8000);
  });

  it('accepts an ACK exactly as old as the largest window allows (RFC 5961 5.2)', () => {
    const h = inFlight(10);
    h.receives({ flags: ACK, seq: 1, ack: 1 - 60_000, data: 10 });
    expect(h.connection.readableBytes).toBe(10);
    expect(h.connection.unacknowledgedBytes).toBe(10);
    expect(h.stack.drops.of('tcp-ack')).toBe(0);
  });
});

describe('SYN-RECEIVED', () => {
  /** The state after a SYN of the peer that crossed the local one. */
  const received = STATES['SYN-RECEIVED']!;

  it('resends SYN-ACK only for the same SYN, which does not count as out of the window', () => {
    const h = received();
    h.receives({ flags: SYN, seq: 0 });
    expect(h.sendsBriefly()).toEqual(['SYN,ACK 0+0 1']);
    expect(h.stack.drops.of('tcp-sequence')).toBe(0);
  });

  it.each<[string, Seg, string[]]>([
    ['SYN with another number', { flags: SYN, seq: 5 }, ['ACK 1+0 1']],
    ['SYN-ACK with another number', { flags: SYN | ACK, seq: 5, ack: 1 }, ['ACK 1+0 1']],
    ['ACK with the number of the SYN', { flags: ACK, seq: 0, ack: 1 }, ['ACK 1+0 1']],
    ['RST with the number of the SYN', { flags: RST, seq: 0 }, []],
    ['RST and SYN with its number', { flags: RST | SYN | ACK, seq: 0, ack: 1 }, []],
    ['data without ACK', { flags: 0, seq: 1, data: 5 }, []],
  ])('does not end on %s', (_, seg, answers) => {
    const h = received();
    h.receives(seg);
    expect(h.connection.state).toBe('SYN-RECEIVED');
    expect(h.sendsBriefly()).toEqual(answers);
  });

  it('counts the refused ACK, and ignores the rest of the segment', () => {
    const h = received();
    h.receives({ flags: FIN | ACK, seq: 1, ack: 2, data: 10 });
    expect(h.sendsBriefly()).toEqual(['RST 2+0 0']);
    expect(h.stack.drops.of('tcp-ack')).toBe(1);
    expect(h.connection.state).toBe('SYN-RECEIVED');
    h.receives({ flags: ACK, seq: 1, ack: 1 });
    expect(h.connection.state).toBe('ESTABLISHED');
    expect(h.connection.readableBytes).toBe(0);
  });
});

describe('a repeated SYN of the handshake', () => {
  it.each([SYN, SYN | ACK])('causes an ACK in ESTABLISHED, with flags %d, and no SYN', (flags) => {
    const h = new Harness().establish();
    h.receives({ flags, seq: 0, ack: 1 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 1']);
    expect(h.connection.state).toBe('ESTABLISHED');
  });
});

describe('an ACK without progress', () => {
  it('does not postpone the retransmission timer, however many arrive (RFC 6298 5.3)', () => {
    const h = inFlight(1000);
    const { rto } = h.connection.info();
    const begin = h.now;
    const times: number[] = [];
    while (h.now - begin < rto) {
      h.after(10).receives({ flags: ACK, ack: 1 });
      if (h.sends().length > 0) times.push(h.now - begin);
    }
    expect(times).toEqual([rto]);
  });

  it('does not postpone the tail loss probe (RFC 8985 7.2)', () => {
    const h = inFlight(3000, SACK_SYN);
    const due = h.stack.nextTimeout();
    h.after(due - h.now - 1).receives({ flags: ACK, seq: 1, ack: 1, data: 10 });
    expect(h.sends()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['PSH,ACK 2001+1000 11']);
  });

  it('has its SACK blocks processed, even with data', () => {
    const h = inFlight(3000, SACK_SYN).after(100);
    h.receives({ flags: ACK, seq: 1, ack: 1, data: 10, options: h.sack([1001, 3001]) });
    expect(h.connection.info().inflight).toBe(1000);
  });

  it('is not a duplicate if SND.UNA is beyond it or nothing is in flight', () => {
    const old = inFlight(5000);
    old.receives({ flags: ACK, ack: 1001 });
    for (let count = 0; count < 5; count++) old.receives({ flags: ACK, ack: 1 });
    expect(old.connection.info()).toMatchObject({ inRecovery: false });
    expect(old.connection.unacknowledgedBytes).toBe(4000);
    const idle = new Harness().establish();
    for (let count = 0; count < 5; count++) idle.receives({ flags: ACK });
    idle.connection.send(new Uint8Array(3000));
    idle.sends();
    idle.receives({ flags: ACK });
    expect(idle.connection.info().inRecovery).toBe(false);
  });

  it('does not add the connection to the ready queue', () => {
    const { tcb, host } = loneEstablished();
    host.asked.length = 0;
    const ack = { flags: ACK, seq: PEER_ISS + 1, ack: OUR_ISS + 1 };
    segmentArrives(tcb, segmentOf(ack), NOW);
    expect(host.asked).toEqual(['reschedule']);
    // A single data segment waits for the delayed ACK; one after a gap does not.
    segmentArrives(tcb, segmentOf({ ...ack, text: [1] }), NOW);
    expect(host.asked).not.toContain('enqueue');
    segmentArrives(tcb, segmentOf({ ...ack, seq: PEER_ISS + 9, text: [1] }), NOW);
    expect(host.asked).toContain('enqueue');
  });
});

describe('data and FIN', () => {
  it.each(['CLOSE-WAIT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'])(
    'after the FIN of the peer are ignored in %s (RFC 9293 3.10.7.4, seventh and eighth)',
    (state) => {
      const h = STATES[state]!();
      const events = [...h.events];
      h.receives({ flags: FIN | ACK, seq: 2, ack: 1, data: 10 });
      expect(h.connection.readableBytes).toBe(0);
      expect(h.events).toEqual(events);
      expect(h.sends()).toEqual([]);
    },
  );

  it('are acknowledged at once if FIN is after a gap, but a following ACK is not', () => {
    const h = new Harness().establish();
    h.receives({ flags: FIN | ACK, seq: 11 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 1']);
    h.receives({ flags: ACK, seq: 1 });
    h.receives({ flags: ACK, seq: 11 });
    expect(h.sends()).toEqual([]);
  });

  it('beyond the FIN are answered and not kept', () => {
    const h = new Harness().establish();
    h.receives({ flags: FIN | ACK, seq: 11 });
    h.sends();
    h.receives({ flags: ACK, seq: 12, data: 5 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 1']);
    h.receives({ flags: ACK, seq: 1, data: 20 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 12']);
    expect(h.connection.readableBytes).toBe(10);
    expect(h.connection.state).toBe('CLOSE-WAIT');
  });

  it('are dropped and counted if there are too many gaps or memory runs out', () => {
    const gaps = new Harness().establish({ syn: SACK_SYN });
    for (let count = 0; count < 257; count++) {
      gaps.receives({ flags: ACK, seq: 3 + count * 2, data: 1 });
    }
    expect(gaps.stack.drops.of('tcp-ranges')).toBe(1);
    gaps.sends();
    gaps.receives({ flags: ACK, seq: 3 + 257 * 2, data: 1 });
    expect(gaps.sends()).toHaveLength(1);
    const memory = new Harness({ limits: { bufferBytes: 0 } }).establish();
    memory.receives({ flags: ACK, seq: 20_001, data: 1000 });
    expect(memory.stack.drops.of('tcp-memory')).toBe(1);
    expect(memory.sendsBriefly()).toEqual(['ACK 1+0 1']);
  });
});

describe('a repeated FIN', () => {
  it('does not end a half-closed connection', () => {
    const h = STATES['CLOSE-WAIT']!();
    h.receives({ flags: FIN | ACK, seq: 1, ack: 1 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 2']);
    h.after(200_000);
    expect(h.connection.state).toBe('CLOSE-WAIT');
    expect(h.events).toEqual(['remoteClosed']);
  });

  it.each<[string, Seg]>([
    ['an old segment', { flags: ACK, seq: 0, ack: 2, data: 1 }],
    ['an ACK', { flags: ACK, seq: 2, ack: 2 }],
    ['a SYN', { flags: SYN | ACK, seq: 2, ack: 2 }],
  ])('restarts TIME-WAIT, and %s does not', (_, seg) => {
    const h = STATES['TIME-WAIT']!();
    h.after(50_000).receives(seg);
    h.sends();
    h.after(10_000);
    expect(h.stack.usage.timeWaits).toBe(0);
  });
});
