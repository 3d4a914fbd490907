import { patternBytes } from '../../../support/pairs/netstack-pair.js';
import {
  ACK,
  FIN,
  Harness,
  MSS_OPTION,
  RST,
  STATES,
  SYN,
  TIMESTAMPS_OPTION,
} from '../../tcp-harness.js';

describe('SYN-SENT', () => {
  it('sends a SYN with MSS, window scale and timestamps (MUST-14, SHLD-5, MUST-67, SHLD-6, draft-ietf-ccwg-bbr 4.1.3.5.1, RFC 1191 3.1, RFC 8200 8.3)', () => {
    const syn = new Harness().connect();
    expect(syn).toMatchObject({ flags: 'SYN', len: 0, wnd: 65_535 });
    expect(syn.options).toMatchObject({ mss: 1000, windowShift: 8, hasTimestamps: true });
  });

  it('is established by SYN-ACK, and acknowledges it', () => {
    const h = new Harness();
    h.connect();
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1, options: MSS_OPTION(1000) });
    expect(h.connection.state).toBe('ESTABLISHED');
    expect(h.events).toEqual(['established']);
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 1']);
  });

  it('accepts a SYN without ACK as a simultaneous open (MUST-10)', () => {
    const h = new Harness();
    h.connect();
    h.receives({ flags: SYN, seq: 0, options: MSS_OPTION(1000) });
    expect(h.connection.state).toBe('SYN-RECEIVED');
    expect(h.sendsBriefly()).toEqual(['SYN,ACK 0+0 1']);
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1 });
    expect(h.connection.state).toBe('ESTABLISHED');
    expect(h.events).toEqual(['established']);
  });

  it('answers an unacceptable ACK with RST and remains in SYN-SENT', () => {
    const h = new Harness();
    h.connect();
    h.receives({ flags: SYN | ACK, seq: 0, ack: 2 });
    expect(h.sendsBriefly()).toEqual(['RST 2+0 0']);
    h.receives({ flags: SYN | ACK, seq: 0, ack: 0 });
    expect(h.sendsBriefly()).toEqual(['RST 0+0 0']);
    expect(h.connection.state).toBe('SYN-SENT');
  });

  it('is refused only by RST with the right ACK', () => {
    const h = new Harness();
    h.connect();
    h.receives({ flags: RST, seq: 0 });
    h.receives({ flags: RST | ACK, seq: 0, ack: 2 });
    expect(h.connection.state).toBe('SYN-SENT');
    h.receives({ flags: RST | ACK, seq: 0, ack: 1 });
    expect(h.events).toEqual(['closed:refused']);
    expect(h.stack.usage.connections).toBe(0);
  });

  it('ignores ACK without SYN', () => {
    const h = new Harness();
    h.connect();
    h.receives({ flags: ACK, seq: 1, ack: 1 });
    expect(h.connection.state).toBe('SYN-SENT');
    expect(h.stack.drops.of('tcp-state')).toBe(1);
  });

  it('retransmits SYN at 1, 3, 7 and 15 s and gives up at 20 s (MUST-23)', () => {
    const h = new Harness();
    h.connect();
    const times: number[] = [];
    for (let second = 1; second <= 20; second++) {
      h.after(1000);
      if (h.sendsBriefly().includes('SYN 0+0 0')) times.push(second);
    }
    expect(times).toEqual([1, 3, 7, 15]);
    expect(h.events).toEqual(['closed:timeout']);
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });

  it('respects connectTimeout (MUST-23)', () => {
    const h = new Harness();
    h.connect({ connectTimeout: 500 });
    h.after(499);
    expect(h.events).toEqual([]);
    h.after(1);
    expect(h.events).toEqual(['closed:timeout']);
  });

  it('queues data and FIN until the handshake is complete (tcp_queue_send_in_syn_sent, tcp_queue_send_recv_in_syn_sent)', () => {
    const h = new Harness();
    h.connect();
    expect(h.connection.send(new Uint8Array(10))).toBe(10);
    h.connection.shutdown();
    expect(h.connection.send(new Uint8Array(10))).toBe(0);
    expect(h.sendsBriefly()).toEqual([]);
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1, options: MSS_OPTION(1000) });
    expect(h.connection.state).toBe('FIN-WAIT-1');
    expect(h.sendsBriefly()).toEqual(['FIN,PSH,ACK 1+10 1']);
  });
});

describe('LISTEN and SYN-RECEIVED', () => {
  it('answers SYN with SYN-ACK and reports the connection at the ACK', () => {
    const h = new Harness();
    expect(h.listen()).toMatchObject({ flags: 'SYN,ACK', ack: 1 });
    expect(h.events).toEqual([]);
    h.receives({ flags: ACK, seq: 1, ack: 1, data: 5 });
    expect(h.events).toEqual(['accepted', 'established', 'readable']);
    expect(h.connection.readableBytes).toBe(5);
    expect(h.connection.remote.port).toBe(80);
  });

  it('drops a half-open connection after RST, and after 20 s of silence (tcp_synrcvd_reset, MUST-11)', () => {
    const h = new Harness();
    h.listen();
    h.receives({ flags: RST, seq: 1 });
    expect(h.stack.usage.connections).toBe(0);
    h.receives({ flags: SYN, seq: 0 });
    h.after(20_000);
    expect(h.stack.usage.connections).toBe(0);
    expect(h.events).toEqual([]);
  });

  it('answers an unacceptable ACK with RST (tcp_acceptable_ack_syn_rcvd)', () => {
    const h = new Harness();
    h.listen();
    h.receives({ flags: ACK, seq: 1, ack: 2 });
    expect(h.sendsBriefly()).toEqual(['RST 2+0 0']);
    expect(h.events).toEqual([]);
  });
});

describe('ESTABLISHED', () => {
  it('delivers data in order and acknowledges every second full segment at once (SHLD-19, RFC 5681 4.2)', () => {
    const h = new Harness().establish();
    const data = patternBytes(20_000);
    const acks: string[] = [];
    for (let from = 0; from < 20_000; from += 1000) {
      h.receives({ flags: ACK, seq: 1 + from, data: data.subarray(from, from + 1000) });
      acks.push(...h.sendsBriefly());
    }
    // The first sixteen are acknowledged one by one, to help the peer's slow start.
    const wanted = [...Array.from({ length: 16 }, (_, index) => index + 1), 18, 20];
    expect(acks).toEqual(wanted.map((count) => `ACK 1+0 ${count * 1000 + 1}`));
    expect(h.connection.receive(50_000, h.now)).toEqual(data);
    expect(h.connection.receive(5000, h.now)).toBeUndefined();
  });

  it('delays the ACK of a single segment by 40 ms (SHLD-18, MUST-40)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, seq: 1, data: 100 });
    expect(h.stack.nextTimeout()).toBe(h.now + 40);
    expect(h.after(39).sendsBriefly()).toEqual([]);
    expect(h.after(1).sendsBriefly()).toEqual(['ACK 1+0 101']);
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });

  it('piggybacks the ACK on data sent meanwhile (tcp_send_window_sizes_piggyback, tcp_should_piggyback)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, seq: 1, data: 100 });
    h.connection.send(new Uint8Array(3));
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 1+3 101']);
    h.receives({ flags: ACK, seq: 101, ack: 4 });
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });

  it('keeps data after a gap, with one duplicate ACK for each segment (SHLD-31, RFC 5681 4.2, RFC 5681 4.2b)', () => {
    const h = new Harness().establish();
    const data = patternBytes(4000);
    h.receives({ flags: ACK, seq: 1001, data: data.subarray(1000, 2000) });
    h.receives({ flags: ACK, seq: 3001, data: data.subarray(3000, 4000) });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 1', 'ACK 1+0 1']);
    h.receives({ flags: ACK, seq: 1, data: data.subarray(0, 1000) });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 2001']);
    h.receives({ flags: ACK, seq: 1501, data: data.subarray(1500, 3000) });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 4001']);
    expect(h.connection.receive(5000, h.now)).toEqual(data);
  });

  it('processes a FIN that arrived before its preceding data', () => {
    const h = new Harness().establish();
    h.receives({ flags: FIN | ACK, seq: 1001, data: 500 });
    expect(h.events).toEqual([]);
    h.receives({ flags: ACK, seq: 1, data: 1000 });
    expect(h.events).toEqual(['readable', 'remoteClosed']);
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 1502']);
    expect(h.connection.readableBytes).toBe(1500);
  });

  it('acknowledges data outside the window without accepting it', () => {
    const h = new Harness({ limits: { receiveBuffer: 4000 } }).establish();
    h.receives({ flags: ACK, seq: 4001, data: 10 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 1']);
    h.receives({ flags: ACK, seq: -99, data: 100 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 1']);
    expect(h.stack.drops.of('tcp-sequence')).toBe(2);
    expect(h.connection.readableBytes).toBe(0);
  });

  it('trims a segment to the window', () => {
    const h = new Harness({ limits: { receiveBuffer: 1500 } }).establish();
    h.receives({ flags: ACK, seq: 1, data: 1000 });
    h.receives({ flags: ACK, seq: 1001, data: 1000 });
    expect(h.connection.readableBytes).toBe(1500);
    expect(h.sends().at(-1)).toMatchObject({ ack: 1501, wnd: 0 });
  });

  it('answers an ACK of unsent data, and ignores it', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, seq: 1, ack: 500, data: 10 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 1']);
    expect(h.connection.readableBytes).toBe(0);
  });

  it('challenges an ACK that is older than any window (RFC 5961 5.2)', () => {
    const h = new Harness().establish({ wnd: 1000 });
    h.receives({ flags: ACK, seq: 1, ack: -1000, data: 10 });
    expect(h.sendsBriefly()).toEqual(['ACK 1+0 1']);
    expect(h.connection.readableBytes).toBe(0);
  });

  it('does not answer unacceptable empty segments faster than every 500 ms', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, seq: 0 });
    expect(h.sendsBriefly()).toHaveLength(1);
    h.after(499).receives({ flags: ACK, seq: 0 });
    expect(h.sendsBriefly()).toHaveLength(0);
    h.after(1).receives({ flags: ACK, seq: 0 });
    expect(h.sendsBriefly()).toHaveLength(1);
  });

  it('drops a segment without ACK', () => {
    const h = new Harness().establish();
    h.receives({ flags: 0, seq: 1, data: 10 });
    expect(h.connection.readableBytes).toBe(0);
  });

  it('does not let an old segment set the window', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, seq: 11, data: 10, wnd: 5000 });
    h.receives({ flags: ACK, seq: 1, data: 10, wnd: 9000 });
    expect(h.connection.info().sndWnd).toBe(5000);
  });

  it('echoes the timestamp of the acknowledged segment (RFC 7323 4.3, MUST-5, RFC 7323 3.2)', () => {
    const h = new Harness().establish({
      syn: [...MSS_OPTION(1000), ...TIMESTAMPS_OPTION(1000, 0)],
    });
    h.receives({ flags: ACK, seq: 1, data: 988, options: TIMESTAMPS_OPTION(1010, 0) });
    h.receives({ flags: ACK, seq: 989, data: 988, options: TIMESTAMPS_OPTION(1020, 0) });
    expect(h.sends()[0]!.options.tsEcr).toBe(1010);
  });

  it('limits challenges to 100 per second (RFC 5961 7)', () => {
    const h = new Harness().establish();
    for (let count = 0; count < 150; count++) h.receives({ flags: RST, seq: 100 });
    expect(h.stack.drops.of('challenge-rate')).toBe(50);
    h.after(1000);
    h.receives({ flags: RST, seq: 100 });
    expect(h.stack.drops.of('challenge-rate')).toBe(50);
  });
});

describe('closing', () => {
  it('enters FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT if the local side closes first (MUST-13)', () => {
    const h = new Harness().establish();
    h.connection.shutdown();
    expect(h.connection.state).toBe('FIN-WAIT-1');
    expect(h.sendsBriefly()).toEqual(['FIN,ACK 1+0 1']);
    h.receives({ flags: ACK, seq: 1, ack: 2 });
    expect(h.connection.state).toBe('FIN-WAIT-2');
    h.receives({ flags: ACK, seq: 1, ack: 2, data: 10 });
    expect(h.events).toEqual(['readable']);
    h.receives({ flags: FIN | ACK, seq: 11, ack: 2 });
    expect(h.connection.state).toBe('TIME-WAIT');
    expect(h.events).toEqual(['readable', 'remoteClosed', 'closed:normal']);
    expect(h.sendsBriefly()).toEqual(['ACK 2+0 12']);
    expect(h.connection.receive(100, h.now)).toHaveLength(10);
    h.after(59_999);
    expect(h.stack.usage.timeWaits).toBe(1);
    h.after(1);
    expect(h.stack.usage).toMatchObject({ timeWaits: 0, connections: 0, bufferBytes: 0 });
    expect(h.events).toHaveLength(3);
  });

  it('enters CLOSE-WAIT, LAST-ACK, CLOSED if the peer closes first (MUST-12)', () => {
    const h = STATES['CLOSE-WAIT']!();
    expect(h.events).toEqual(['remoteClosed']);
    h.connection.send(new Uint8Array(5));
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 1+5 2']);
    h.connection.shutdown();
    expect(h.connection.state).toBe('LAST-ACK');
    expect(h.sendsBriefly()).toEqual(['FIN,ACK 6+0 2']);
    h.receives({ flags: ACK, seq: 2, ack: 7 });
    expect(h.events).toEqual(['remoteClosed', 'closed:normal']);
    expect(h.connection.state).toBe('CLOSED');
    expect(h.stack.usage).toMatchObject({ timeWaits: 0, connections: 0, bufferBytes: 0 });
  });

  it('enters CLOSING, TIME-WAIT if both close at once', () => {
    const h = STATES['CLOSING']!();
    expect(h.connection.state).toBe('CLOSING');
    h.receives({ flags: ACK, seq: 2, ack: 2 });
    expect(h.connection.state).toBe('TIME-WAIT');
    expect(h.events).toEqual(['remoteClosed', 'closed:normal']);
  });

  it('moves from FIN-WAIT-1 to TIME-WAIT on FIN with the ACK of the local FIN', () => {
    const h = STATES['FIN-WAIT-1']!();
    h.receives({ flags: FIN | ACK, seq: 1, ack: 2 });
    expect(h.connection.state).toBe('TIME-WAIT');
  });

  it('acknowledges a repeated FIN in TIME-WAIT and restarts the wait (MUST-13)', () => {
    const h = STATES['TIME-WAIT']!();
    h.after(50_000).receives({ flags: FIN | ACK, seq: 1, ack: 2 });
    expect(h.sendsBriefly()).toEqual(['ACK 2+0 2']);
    h.after(59_999);
    expect(h.stack.usage.timeWaits).toBe(1);
    h.after(1);
    expect(h.stack.usage.timeWaits).toBe(0);
  });

  it('retransmits a lost FIN (tcp_fin_retransmission)', () => {
    const h = STATES['FIN-WAIT-1']!();
    const { rto } = h.connection.info();
    expect(h.after(rto).sendsBriefly()).toEqual(['FIN,ACK 1+0 1']);
  });
});

describe('RST', () => {
  const synchronized = Object.entries(STATES);

  it.each(synchronized)(
    'resets in %s at exactly RCV.NXT (MUST-12, RFC 5961 3.2)',
    (state, make) => {
      const h = make();
      expect(h.connection.state).toBe(state);
      const next = ['CLOSE-WAIT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'].includes(state) ? 2 : 1;
      h.receives({ flags: RST, seq: next });
      expect(h.connection.state).toBe('CLOSED');
      expect(h.stack.usage).toMatchObject({ connections: 0, timeWaits: 0 });
      const reason = { 'SYN-RECEIVED': 'refused', 'TIME-WAIT': 'normal' }[state] ?? 'reset';
      expect(h.events.at(-1)).toBe(`closed:${reason}`);
      expect(h.events.filter((event) => event.startsWith('closed'))).toHaveLength(1);
      expect(h.sendsBriefly()).toEqual([]);
      expect(h.stack.nextTimeout()).toBe(Infinity);
    },
  );

  it.each(synchronized)(
    'is challenged in %s elsewhere in the window (RFC 5961 3.2)',
    (state, make) => {
      const h = make();
      h.receives({ flags: RST, seq: 50 });
      expect(h.connection.state).toBe(state);
      expect(h.sends().map(({ flags, len }) => [flags, len])).toEqual([['ACK', 0]]);
    },
  );

  it.each(synchronized)('is ignored in %s outside the window (RFC 5961 3.2)', (state, make) => {
    const h = make();
    h.receives({ flags: RST, seq: -1 });
    expect(h.connection.state).toBe(state);
    expect(h.sendsBriefly()).toEqual([]);
  });

  it('leaves earlier data readable', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, seq: 1, data: 10 });
    h.receives({ flags: RST, seq: 11 });
    expect(h.events).toEqual(['readable', 'closed:reset']);
    expect(h.connection.receive(100, h.now)).toHaveLength(10);
  });

  it.each(['SYN-RECEIVED', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSE-WAIT', 'LAST-ACK'])(
    'is sent when the user aborts in %s',
    (state) => {
      const h = STATES[state]!();
      h.connection.abort(h.now);
      expect(h.events.at(-1)).toBe('closed:aborted');
      expect(h.sends().map(({ flags }) => flags)).toEqual(['RST,ACK']);
      expect(h.stack.usage).toMatchObject({ connections: 0, bufferBytes: 0 });
      h.connection.abort(h.now);
      expect(h.events.filter((event) => event.startsWith('closed'))).toHaveLength(1);
    },
  );

  it('is not sent when the user aborts in SYN-SENT', () => {
    const h = new Harness();
    h.connect();
    h.connection.abort(h.now);
    expect(h.events).toEqual(['closed:aborted']);
    expect(h.sendsBriefly()).toEqual([]);
  });
});
