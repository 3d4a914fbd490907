/**
 * The cases of gVisor's packetimpact (test/packetimpact/tests there), written independently. Each
 * title contains the name of the original.
 *
 * @mirrors dispatch.ts receiver.ts segment-arrives.ts
 */
import { packetInSlot } from '../../../src/lib/packets/packet-slot.js';
import { finishIcmp, writeIcmpError } from '../../../src/wire/icmp.js';
import { createIpv4Header, finishIpv4Header } from '../../../src/wire/ipv4.js';
import { patternBytes } from '../../support/pairs/netstack-pair.js';
import {
  ACK,
  FIN,
  Harness,
  MSS_OPTION,
  OUR_ADDRESS,
  PEER_ADDRESS,
  RST,
  SACK_SYN,
  type Seg,
  STATES,
  SYN,
  TIMESTAMPS_OPTION,
} from '../tcp-harness.js';

const OUTSIDE = 70_000;

/** An established connection that a listener accepted. */
function accepted(options: number[] = MSS_OPTION(1000)): Harness {
  const h = new Harness();
  h.listen(options);
  h.receives({ flags: ACK, seq: 1, ack: 1 });
  h.sends();
  return h;
}

/** An ICMP destination unreachable error about the next segments sent. */
function unreachable(h: Harness, code: number, nextHopMtu = 0): void {
  let syn = new Uint8Array(0);
  h.stack.drain((slot) => (syn = packetInSlot(slot).slice(0, 28)), h.now);
  const error = new Uint8Array(28 + syn.length);
  error.set(createIpv4Header(PEER_ADDRESS, OUR_ADDRESS, 1));
  finishIpv4Header(error, 0, error.length);
  writeIcmpError(error, 20, 3, code);
  error.set([nextHopMtu >> 8, nextHopMtu & 0xff], 26);
  error.set(syn, 28);
  finishIcmp(error, 20, 8 + syn.length);
  h.stack.handlePacket(error, h.now);
}

function flagsOf(h: Harness): string[] {
  return h.sends().map(({ flags }) => flags);
}

describe('the handshake', () => {
  it.each([
    ['SND.UNA', 0, 'RST'],
    ['beyond SND.NXT', 2, 'RST'],
    ['SND.NXT', 1, undefined],
  ])('resets an ACK of %s in SYN-RECEIVED (tcp_acceptable_ack_syn_rcvd)', (_, ack, answer) => {
    const h = new Harness();
    h.listen();
    h.receives({ flags: ACK, seq: 1, ack });
    expect(flagsOf(h)[0]).toBe(answer);
    expect(h.events.includes('accepted')).toBe(answer === undefined);
  });

  it.each([
    ['port', 3, 'tcp_connect_icmp_error'],
    ['network', 0, 'tcp_network_unreachable'],
    ['host', 1, 'tcp_network_unreachable'],
  ])('ends when the %s is unreachable (code %d) (%s)', (_, code) => {
    const h = new Harness();
    h.connection = h.stack.connectTcp({ address: PEER_ADDRESS, port: 80 }, h, h.now);
    unreachable(h, code);
    expect(h.events).toEqual(['closed:unreachable']);
    expect(h.stack.usage.connections).toBe(0);
  });

  it('offers an unscaled window on SYN and SYN-ACK (tcp_handshake_window_size)', () => {
    expect(new Harness().connect().wnd).toBe(0xffff);
    expect(new Harness({ limits: { receiveBuffer: 5000 } }).connect().wnd).toBe(5000);
    expect(new Harness().listen().wnd).toBe(0xffff);
  });

  it('accepts a window of the peer with its highest bit set (tcp_window_msb_set, MUST-1)', () => {
    const h = new Harness().establish({ wnd: 0x8000 });
    expect(h.connection.info().sndWnd).toBe(0x8000);
    h.connection.send(new Uint8Array(5000));
    expect(h.sends()).toHaveLength(5);
  });

  it('queues data sent in SYN-SENT until it is complete (tcp_queue_send_in_syn_sent)', () => {
    const h = new Harness();
    h.connect();
    expect(h.connection.send(patternBytes(1500))).toBe(1500);
    expect(h.sends()).toEqual([]);
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1, options: MSS_OPTION(1000) });
    expect(h.sends().map(({ seq, len }) => [seq, len])).toEqual([
      [1, 1000],
      [1001, 500],
    ]);
  });

  it('drops data queued in SYN-SENT when it is refused (tcp_queue_send_in_syn_sent)', () => {
    const h = new Harness();
    h.connect();
    h.connection.send(new Uint8Array(1500));
    h.receives({ flags: RST | ACK, seq: 0, ack: 1 });
    expect(h.events).toEqual(['closed:refused']);
    expect(h.stack.usage.bufferBytes).toBe(0);
    expect(h.connection.send(new Uint8Array(1))).toBe(0);
  });

  it('returns no data in SYN-SENT, and later the data that arrived (tcp_queue_receive_in_syn_sent)', () => {
    const h = new Harness();
    h.connect();
    expect(h.connection.receive(10, h.now)).toBeUndefined();
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1 });
    h.receives({ flags: ACK, seq: 1, data: patternBytes(7) });
    expect(h.events).toEqual(['established', 'readable']);
    expect(h.connection.receive(10, h.now)).toEqual(patternBytes(7));
  });

  it('carries data both ways that was requested in SYN-SENT (tcp_queue_send_recv_in_syn_sent)', () => {
    const h = new Harness();
    h.connect();
    h.connection.send(patternBytes(9));
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1 });
    expect(h.sends()[0]).toMatchObject({ seq: 1, data: patternBytes(9) });
    h.receives({ flags: ACK, seq: 1, ack: 10, data: patternBytes(7) });
    expect(h.connection.receive(10, h.now)).toEqual(patternBytes(7));
    expect(h.connection.unacknowledgedBytes).toBe(0);
  });

  it('answers a SYN beyond the backlog with a cookie (tcp_listen_backlog)', () => {
    const h = new Harness();
    h.listen(MSS_OPTION(1000), 2);
    for (let count = 0; count < 4; count++) {
      h.peerPort++;
      h.receives({ flags: SYN, seq: 0, options: MSS_OPTION(1000) });
      expect(flagsOf(h)).toEqual(['SYN,ACK']);
    }
    expect(h.stack.usage.connections).toBe(2);
    expect(h.stack.drops.of('tcp-backlog')).toBe(3);
  });

  it('opens a connection on the ACK of a cookie (tcp_syncookie)', () => {
    const h = new Harness();
    h.listen(MSS_OPTION(1000), 1);
    h.peerPort++;
    h.receives({ flags: SYN, seq: 0, options: MSS_OPTION(1000) });
    h.iss = h.sends()[0]!.absoluteSeq;
    h.receives({ flags: ACK, seq: 1, ack: 1, data: 5 });
    expect(h.events).toEqual(['accepted', 'established', 'readable']);
  });

  it('returns to LISTEN after RST in SYN-RECEIVED (tcp_synrcvd_reset, MUST-11)', () => {
    const h = new Harness();
    h.listen(MSS_OPTION(1000), 1);
    h.receives({ flags: RST, seq: 1 });
    expect(h.stack.usage.connections).toBe(0);
    h.receives({ flags: SYN, seq: 0, options: MSS_OPTION(1000) });
    const [synAck] = h.sends();
    h.iss = synAck!.absoluteSeq;
    h.receives({ flags: ACK, seq: 1, ack: 1 });
    expect(h.events).toEqual(['accepted', 'established']);
  });

  it('is refused by RST in SYN-SENT, and in SYN-RECEIVED of an active open (tcp_synsent_reset, MUST-11)', () => {
    const h = new Harness();
    h.connect();
    h.receives({ flags: RST | ACK, seq: 0, ack: 1 });
    expect(h.events).toEqual(['closed:refused']);
    const crossed = STATES['SYN-RECEIVED']!();
    crossed.receives({ flags: RST | ACK, seq: 1, ack: 1 });
    expect(crossed.events).toEqual(['closed:refused']);
  });

  it('resets connections that were not accepted when the listener closes (tcp_noaccept_close_rst)', () => {
    const h = new Harness();
    h.ourPort = 8080;
    const listener = h.stack.listenTcp({ port: 8080 }, () => h);
    h.receives({ flags: SYN, seq: 0 });
    h.iss = h.sends()[0]!.absoluteSeq;
    listener.close(h.now);
    expect(flagsOf(h)).toEqual(['RST,ACK']);
    expect(h.stack.usage.connections).toBe(0);
  });
});

describe('segments that are not acceptable', () => {
  const synchronized = Object.keys(STATES).filter((state) => state !== 'SYN-RECEIVED');

  it.each(synchronized)(
    'outside the window are answered in %s (tcp_outside_the_window)',
    (state) => {
      for (const flags of [ACK, ACK | FIN, ACK | SYN]) {
        const h = STATES[state]!();
        const before = h.events.length;
        h.receives({ flags, seq: 1 + OUTSIDE, ack: 1, data: 10 });
        expect(h.sends()).toMatchObject([{ flags: 'ACK', len: 0 }]);
        expect(h.connection.state).toBe(state);
        expect(h.events).toHaveLength(before);
      }
    },
  );

  it.each(['CLOSING', 'LAST-ACK', 'TIME-WAIT'])(
    'outside the window are answered in %s, even without data (tcp_outside_the_window_closing)',
    (state) => {
      const h = STATES[state]!();
      h.receives({ flags: ACK, seq: 1 + OUTSIDE, ack: 1 });
      expect(h.sends()).toMatchObject([{ flags: 'ACK', len: 0 }]);
      expect(h.connection.state).toBe(state);
    },
  );

  it.each(synchronized)(
    'with an unacceptable ACK are answered in %s (tcp_unacc_seq_ack)',
    (state) => {
      const h = STATES[state]!();
      const next = ['CLOSE-WAIT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'].includes(state) ? 2 : 1;
      h.receives({ flags: ACK, seq: next, ack: 500 });
      expect(h.sends()).toMatchObject([{ flags: 'ACK', len: 0, ack: next }]);
      expect(h.connection.state).toBe(state);
    },
  );

  it('with an unacceptable ACK do not move a FIN to CLOSING (tcp_unacc_seq_ack_closing)', () => {
    const h = STATES['FIN-WAIT-1']!();
    h.receives({ flags: FIN | ACK, seq: 1, ack: 3 });
    expect(flagsOf(h)).toEqual(['ACK']);
    expect(h.connection.state).toBe('FIN-WAIT-1');
    h.receives({ flags: FIN | ACK, seq: 1 + OUTSIDE, ack: 2 });
    expect(flagsOf(h)).toEqual(['ACK']);
    expect(h.connection.state).toBe('FIN-WAIT-1');
  });

  it.each<[string, Seg]>([
    ['sequence number', { flags: ACK, seq: 2 + OUTSIDE, data: 1 }],
    ['its ACK', { flags: ACK, seq: 2, ack: 3 }],
  ])('with an unacceptable %s are answered in CLOSE-WAIT (tcp_close_wait_ack)', (_, seg) => {
    const h = STATES['CLOSE-WAIT']!();
    h.connection.send(new Uint8Array(1));
    h.sends();
    h.receives(seg);
    expect(h.sends()).toMatchObject([{ flags: 'ACK', seq: 2, ack: 2 }]);
    expect(h.connection.state).toBe('CLOSE-WAIT');
    h.receives({ flags: ACK, seq: 2, ack: 2 });
    expect(h.connection.unacknowledgedBytes).toBe(0);
  });

  it('with an old timestamp are answered (tcp_paws_mechanism, RFC 7323 5.3)', () => {
    const h = accepted([...MSS_OPTION(1000), ...TIMESTAMPS_OPTION(100, 0)]);
    const data = patternBytes(5);
    h.receives({ flags: ACK, seq: 1, data, options: TIMESTAMPS_OPTION(200, 0) });
    h.after(40).sends();
    h.receives({ flags: ACK, seq: 6, data, options: TIMESTAMPS_OPTION(199, 0) });
    const [answer] = h.sends();
    expect(answer).toMatchObject({ flags: 'ACK', ack: 6 });
    expect(answer!.options.tsEcr).toBe(200);
    h.receives({ flags: ACK, seq: 6, data, options: TIMESTAMPS_OPTION(201, 0) });
    expect(h.connection.readableBytes).toBe(10);
  });

  it('do not end TIME-WAIT, except RST (tcp_timewait_reset)', () => {
    const h = STATES['TIME-WAIT']!();
    h.receives({ flags: SYN | ACK, seq: 1, ack: 2 });
    expect(h.connection.state).toBe('TIME-WAIT');
    h.receives({ flags: RST, seq: 2, ack: 2 });
    expect(h.stack.usage.timeWaits).toBe(0);
    h.sends();
    h.receives({ flags: ACK, seq: 2, ack: 2 });
    expect(flagsOf(h)).toEqual(['RST']);
  });
});

describe('closing', () => {
  it('answers data after the end of FIN-WAIT-2 with RST (fin_wait2_timeout)', () => {
    const h = new Harness().establish({
      connect: { keepAlive: { idle: 60_000, interval: 1000, count: 1 } },
    });
    h.connection.shutdown();
    h.sends();
    h.receives({ flags: ACK, seq: 1, ack: 2 });
    expect(h.connection.state).toBe('FIN-WAIT-2');
    h.after(62_000);
    expect(h.events).toEqual(['closed:timeout']);
    h.sends();
    h.receives({ flags: ACK, seq: 1, ack: 2, data: 10 });
    expect(flagsOf(h)).toEqual(['RST']);
  });

  it('ends at once on RST in FIN-WAIT-2 (fin_wait2_reset)', () => {
    const h = STATES['FIN-WAIT-2']!();
    h.receives({ flags: RST, seq: 1 });
    expect(h.events).toEqual(['closed:reset']);
  });

  it('retransmits FIN until it is acknowledged (tcp_fin_retransmission)', () => {
    const h = new Harness().establish();
    h.connection.shutdown();
    const times: number[] = [];
    const begin = h.now;
    for (let tick = 0; tick < 80; tick++, h.after(100)) {
      for (const { flags } of h.sends()) {
        expect(flags).toBe('FIN,ACK');
        times.push(h.now - begin);
      }
    }
    expect(times).toEqual([0, 200, 600, 1400, 3000, 6200]);
    h.receives({ flags: ACK, ack: 2 });
    expect(h.connection.state).toBe('FIN-WAIT-2');
    expect(h.after(60_000).sends()).toEqual([]);
  });

  it('sends RST if the user disables linger, even with unsent data (tcp_linger)', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(5000));
    h.connection.abort(h.now);
    expect(flagsOf(h)).toEqual(['RST,ACK']);
    expect(h.stack.usage).toMatchObject({ connections: 0, bufferBytes: 0 });
  });

  it('lingers by default: unsent data is sent before the FIN (tcp_linger)', () => {
    const h = new Harness().establish({ wnd: 1000 });
    h.connection.send(new Uint8Array(1500));
    h.connection.shutdown();
    expect(h.sendsBriefly()).toEqual(['ACK 1+1000 1']);
    h.receives({ flags: ACK, ack: 1001 });
    expect(h.sendsBriefly()).toEqual(['FIN,PSH,ACK 1001+500 1']);
  });

  it('ends the connection after the user timeout, counted from the last progress (tcp_user_timeout, MUST-21)', () => {
    const h = new Harness({ limits: { userTimeout: 3000 } }).establish();
    h.connection.send(new Uint8Array(2000));
    h.sends();
    h.after(2000).receives({ flags: ACK, ack: 1001 });
    for (let tick = 0; tick < 29; tick++) h.after(100).sends();
    expect(h.events).toEqual([]);
    for (let tick = 0; tick < 40; tick++) h.after(100).sends();
    expect(h.events).toEqual(['closed:timeout']);
  });
});

describe('sending', () => {
  it('holds small segments back with Nagle, but not a single segment (tcp_nagle, SHLD-7)', () => {
    const h = new Harness().establish();
    h.connection.setNoDelay(false);
    h.connection.send(new Uint8Array(100));
    expect(h.sends()).toHaveLength(1);
    h.connection.send(new Uint8Array(100));
    expect(h.sends()).toEqual([]);
    h.connection.send(new Uint8Array(900));
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 101+1000 1']);
  });

  it('splits data queued before the MSS was known (tcp_splitseg_mss, MUST-16)', () => {
    const h = new Harness();
    h.connect();
    h.connection.send(patternBytes(1000));
    h.receives({ flags: SYN | ACK, seq: 0, ack: 1, options: MSS_OPTION(300) });
    expect(h.sends().map(({ seq, len }) => [seq, len])).toEqual([
      [1, 300],
      [301, 300],
      [601, 300],
      [901, 100],
    ]);
  });

  it('splits sent data when the path MTU shrinks (tcp_splitseg_mss)', () => {
    const h = new Harness().establish();
    h.connection.send(patternBytes(2000));
    unreachable(h, 4, 640);
    expect(h.sends().map(({ seq, len }) => [seq, len])).toEqual([
      [1, 600],
      [601, 400],
      [1001, 600],
      [1601, 400],
    ]);
    h.receives({ flags: ACK, ack: 2001 });
    expect(h.connection.info()).toMatchObject({ mss: 600, inflight: 0, unacknowledged: 0 });
  });

  it.each([
    [1, 1],
    [500, 500],
    [2000, 1000],
  ])(
    'with a window of %d piggybacks the ACK on data (tcp_send_window_sizes_piggyback)',
    (wnd, length) => {
      const h = new Harness().establish({ wnd });
      h.receives({ flags: ACK, seq: 1, data: 10, wnd });
      h.connection.send(patternBytes(1000));
      const sent = h.sends();
      // A silly segment waits; its ACK is then sent alone.
      if (sent.length === 0) h.after(h.connection.info().rto);
      const [first] = sent.length > 0 ? sent : h.sends().filter(({ len }) => len > 0);
      expect(first).toMatchObject({ len: length, ack: 11 });
    },
  );

  it('piggybacks the ACK on data sent before the ACK is due (tcp_should_piggyback)', () => {
    const h = accepted();
    h.receives({ flags: ACK, seq: 1, data: 50 });
    h.connection.send(new Uint8Array(10));
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 1+10 51']);
    expect(h.after(100).sendsBriefly()).not.toContain('ACK 11+0 51');
  });

  it('retransmits the same octets on timeout (tcp_retransmission)', () => {
    const h = new Harness().establish();
    const data = patternBytes(700);
    h.connection.send(data);
    const [first] = h.sends();
    h.after(h.connection.info().rto);
    const [again] = h.sends();
    expect(again).toMatchObject({ seq: first!.seq, data, flags: 'PSH,ACK' });
  });

  it('doubles the timeout, and measures it again from data sent once (tcp_retransmits)', () => {
    const h = new Harness().establish({ rtt: 50 });
    h.connection.send(new Uint8Array(10));
    h.sends();
    const times: number[] = [];
    const begin = h.now;
    for (let tick = 0; tick < 4000; tick++)
      if (h.after(1).sends().length > 0) times.push(h.now - begin);
    expect(times).toEqual([250, 750, 1750, 3750]);
    h.receives({ flags: ACK, ack: 11 });
    h.connection.send(new Uint8Array(10));
    h.sends();
    h.after(50).receives({ flags: ACK, ack: 21 });
    expect(h.connection.info()).toMatchObject({ rto: 250, srtt: 50, backoff: 0 });
  });

  it('reports statistics of the connection (tcp_info)', () => {
    const h = new Harness().establish({ rtt: 50, syn: SACK_SYN });
    h.connection.send(new Uint8Array(12_000));
    h.sends();
    expect(h.connection.info()).toMatchObject({
      state: 'ESTABLISHED',
      srtt: 50,
      rttvar: 25,
      rto: 250,
      minRtt: 50,
      cwnd: 10_000,
      mss: 1000,
      unacknowledged: 10_000,
      inflight: 10_000,
      notSent: 2000,
      retransmits: 0,
      sack: true,
      timestamps: false,
      inRecovery: false,
    });
    for (let expiry = 0; expiry < 2; expiry++) h.after(h.connection.info().rto).sends();
    expect(h.connection.info()).toMatchObject({ backoff: 1, cwnd: 1000, ssthresh: 5000 });
    // RFC 5681 3.1: ssthresh is unchanged when the same segment times out again.
    h.after(h.connection.info().rto).sends();
    expect(h.connection.info()).toMatchObject({ backoff: 2, cwnd: 1000, ssthresh: 5000 });
  });

  it.each([
    ['all of a flight is lost', [], [[9001, 1000]]],
    ['its last segment is lost', [[1, 9001]], [[9001, 1000]]],
  ])('probes the tail when %s (tcp_rack)', (_, acks, probes) => {
    const h = new Harness().establish({ syn: SACK_SYN, rtt: 100 });
    h.connection.send(new Uint8Array(10_000));
    h.sends();
    for (const [, ack] of acks) h.after(50).receives({ flags: ACK, ack: ack! });
    // The remaining single segment may have a delayed ACK, so its probe comes with the timer.
    h.after(acks.length > 0 ? h.connection.info().rto : 200);
    expect(h.sends().map(({ seq, len }) => [seq, len])).toEqual(probes);
  });

  it('repairs the losses that the tail loss probe shows (tcp_rack)', () => {
    const h = new Harness().establish({ syn: SACK_SYN, rtt: 100 });
    h.connection.send(new Uint8Array(5000));
    h.sends();
    h.after(200);
    expect(h.sends().map(({ seq }) => seq)).toEqual([4001]);
    h.after(100).receives({ flags: ACK, ack: 1, options: h.sack([4001, 5001]) });
    const sent: number[] = [];
    for (let tick = 0; tick < 100; tick++)
      sent.push(
        ...h
          .after(1)
          .sends()
          .map(({ seq }) => seq),
      );
    expect(sent.slice(0, 1)).toEqual([1]);
    expect(h.connection.info().backoff).toBe(0);
  });

  it('does not retransmit after slight reordering (tcp_rack)', () => {
    const h = new Harness().establish({ syn: SACK_SYN, rtt: 100 });
    h.connection.send(new Uint8Array(4000));
    h.sends();
    h.after(100).receives({ flags: ACK, ack: 1, options: h.sack([1001, 3001]) });
    h.after(20).receives({ flags: ACK, ack: 3001 });
    expect(h.connection.info()).toMatchObject({ retransmits: 0, reordering: true, lost: 0 });
  });

  it.each([
    ['at the third duplicate ACK', [1, 1, 1], true],
    ['not at the second', [1, 1], false],
  ])('retransmits a first segment %s (tcp_reordering)', (_, acks, isSentAgain) => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(5000));
    h.sends();
    for (const ack of acks) h.receives({ flags: ACK, ack });
    expect(h.sendsBriefly()).toEqual(isSentAgain ? ['ACK 1+1000 1'] : []);
    h.receives({ flags: ACK, ack: 5001 });
    expect(h.connection.info()).toMatchObject({ unacknowledged: 0, inRecovery: false });
  });
});

describe('windows', () => {
  it('that shrink hold back new data (tcp_window_shrink, SHLD-15, RFC 7323 2.4c)', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(500));
    expect(h.sends()).toHaveLength(1);
    h.receives({ flags: ACK, ack: 501, wnd: 0 });
    h.connection.send(new Uint8Array(500));
    expect(h.sends()).toEqual([]);
    expect(h.after(200).sendsBriefly()).toEqual(['ACK 501+1 1']);
    h.receives({ flags: ACK, ack: 501, wnd: 1000 });
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 501+500 1']);
  });

  it('of the receiver close if the user does not read, and open when it does (tcp_zero_receive_window)', () => {
    const h = new Harness({ limits: { receiveBuffer: 3000 } }).establish();
    const windows: number[] = [];
    for (let count = 0; count < 3; count++) {
      h.receives({ flags: ACK, seq: 1 + count * 1000, data: 1000 });
      h.after(40);
      windows.push(...h.sends().map(({ wnd }) => wnd));
    }
    expect(windows).toEqual([2000, 1000, 0]);
    h.receives({ flags: ACK, seq: 3001, data: 1000 });
    expect(h.sends()).toMatchObject([{ ack: 3001, wnd: 0 }]);
    h.connection.receive(3000, h.now);
    expect(h.sends()).toMatchObject([{ ack: 3001, wnd: 3000 }]);
  });

  it('of the receiver never admit more data than fits (tcp_rcv_buf_space)', () => {
    const h = new Harness({ limits: { receiveBuffer: 2500 } }).establish();
    for (let count = 0; count < 10; count++) {
      h.receives({ flags: ACK, seq: 1 + count * 1000, data: 1000 });
    }
    expect(h.connection.readableBytes).toBe(2500);
    expect(h.sends().at(-1)).toMatchObject({ ack: 2501, wnd: 0 });
  });

  it('of zero are probed; the octet that the peer accepts counts (tcp_zero_window_probe, MUST-36)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, wnd: 0 });
    h.connection.send(patternBytes(3));
    expect(h.sends()).toEqual([]);
    h.after(200);
    expect(h.sends()).toMatchObject([{ seq: 1, len: 1, data: patternBytes(3).subarray(0, 1) }]);
    h.receives({ flags: ACK, ack: 2, wnd: 0 });
    h.after(1000);
    expect(h.sends()[0]).toMatchObject({ seq: 2, len: 1, data: patternBytes(3).subarray(1, 2) });
  });

  it('of zero are probed repeatedly, at growing intervals (tcp_zero_window_probe_retransmit, SHLD-30)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, wnd: 0 });
    h.connection.send(patternBytes(30));
    h.sends();
    const times: number[] = [];
    const begin = h.now;
    for (let tick = 0; tick < 700; tick++) {
      for (const { seq, len } of h.after(100).sends()) {
        expect([seq, len]).toEqual([1, 1]);
        times.push(h.now - begin);
        h.receives({ flags: ACK, ack: 1, wnd: 0 });
      }
    }
    expect(times).toEqual([200, 600, 1400, 3000, 6200, 12_600, 25_400, 51_000]);
    h.receives({ flags: ACK, ack: 1, wnd: 1000 });
    expect(h.sendsBriefly()).toEqual(['PSH,ACK 1+30 1']);
  });

  it('of zero end the connection if no probe is answered (tcp_zero_window_probe_usertimeout)', () => {
    const h = new Harness({ limits: { userTimeout: 5000 } }).establish();
    h.receives({ flags: ACK, wnd: 0 });
    h.connection.send(patternBytes(30));
    for (let tick = 0; tick < 49; tick++) h.after(100).sends();
    expect(h.events).toEqual([]);
    for (let tick = 0; tick < 100; tick++) h.after(100).sends();
    expect(h.events).toEqual(['closed:timeout']);
  });
});
