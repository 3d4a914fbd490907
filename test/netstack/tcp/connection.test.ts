/** The user's calls: RFC 9293 3.10.2 (SEND) to 3.10.5 (ABORT). */
import { TcpConnection } from '../../../src/netstack/tcp/connection.js';
import type { TcpState } from '../../../src/netstack/tcp/state.js';
import type { Tcb } from '../../../src/netstack/tcp/tcb.js';
import { long, OUR_V4, PEER_V4 } from '../packets.js';
import {
  ACK,
  Harness,
  LIVE_STATES,
  RST,
  SACK_TIMESTAMPS_SYN,
  SCALE_OPTION,
} from '../tcp-harness.js';
import {
  loneTcb,
  NotingHost,
  notingObserver,
  NOW,
  OUR_ISS,
  OUR_MSS,
  OUR_PORT,
  PEER_ISS,
  PEER_PORT,
} from './lone-tcb.js';

const BUFFER = 64 * 1024;
const STATES: TcpState[] = [...LIVE_STATES, 'CLOSED'];

interface Scene {
  readonly tcb: Tcb;
  readonly host: NotingHost;
  readonly connection: TcpConnection;
  readonly calls: string[];
}

/** A connection in that state, whose peer has an open window. */
function scene(state: TcpState, host = new NotingHost()): Scene {
  const { tcb } = loneTcb(state, {}, host);
  const calls: string[] = [];
  tcb.observer = notingObserver(calls);
  tcb.receiver.synchronize(PEER_ISS);
  tcb.receiver.advertise(0);
  return { tcb, host, connection: new TcpConnection(tcb), calls };
}

/** The peer sends `length` octets: 1, 2, 3, … */
function takeText({ tcb }: Scene, length: number): void {
  const { receiver } = tcb;
  receiver.advertise(0);
  const text = Uint8Array.from({ length }, (_, index) => index + 1);
  expect(receiver.takeText(text, 0, length, receiver.rcvNxt)).toBe('in-order');
}

it('has two ends and a state', () => {
  const { connection } = scene('CLOSE-WAIT');
  expect(connection.local).toEqual({ address: OUR_V4, port: OUR_PORT });
  expect(connection.remote).toEqual({ address: PEER_V4, port: PEER_PORT });
  expect(connection.state).toBe('CLOSE-WAIT');
});

describe('SEND (RFC 9293 3.10.2)', () => {
  const bytes = new Uint8Array(1_000);

  it.each(STATES)('in %s accepts, queues or refuses data', (state) => {
    const { connection, host, tcb } = scene(state);
    const queues = state === 'SYN-SENT' || state === 'SYN-RECEIVED';
    const sends = state === 'ESTABLISHED' || state === 'CLOSE-WAIT';
    expect(connection.send(bytes)).toBe(queues || sends ? 1_000 : 0);
    expect(connection.unacknowledgedBytes).toBe(queues || sends ? 1_000 : 0);
    expect(host.asked).toEqual(sends ? ['enqueue'] : []);
    expect(tcb.wantsWritable).toBe(false);
  });

  it('accepts as much as fits, and reports when more room is available', () => {
    const { connection, tcb } = scene('ESTABLISHED');
    expect(connection.writableBytes).toBe(BUFFER);
    expect(connection.send(new Uint8Array(BUFFER))).toBe(BUFFER);
    expect(tcb.wantsWritable).toBe(false);
    const full = scene('ESTABLISHED');
    expect(full.connection.send(new Uint8Array(BUFFER + 1))).toBe(BUFFER);
    expect(full.connection.writableBytes).toBe(0);
    expect(full.tcb.wantsWritable).toBe(true);
  });

  it('does not report room if all data fitted', () => {
    const { connection, host } = scene('ESTABLISHED');
    expect(connection.send(new Uint8Array(0))).toBe(0);
    expect(host.asked).toEqual([]);
  });
});

describe('RECEIVE (RFC 9293 3.10.3)', () => {
  it('returns available data once', () => {
    const there = scene('ESTABLISHED');
    takeText(there, 5);
    const { connection } = there;
    expect(connection.readableBytes).toBe(5);
    expect(connection.receive(3, NOW)).toEqual(Uint8Array.of(1, 2, 3));
    expect(connection.receive(3, NOW)).toEqual(Uint8Array.of(4, 5));
    expect(connection.receive(3, NOW)).toBeUndefined();
    expect(connection.readableBytes).toBe(0);
  });

  it('sends a window update after a closed window, but not for a small increase', () => {
    const shut = scene('ESTABLISHED');
    takeText(shut, shut.tcb.receiver.rcvWnd);
    shut.connection.receive(OUR_MSS - 2, NOW);
    expect(shut.tcb.receiver.ackNow).toBe(false);
    expect(shut.host.asked).toEqual([]);
    shut.connection.receive(BUFFER, NOW);
    expect(shut.tcb.receiver.ackNow).toBe(true);
    expect(shut.host.asked).toEqual(['enqueue']);
  });
});

describe('CLOSE (RFC 9293 3.10.4)', () => {
  it.each<[TcpState, TcpState, boolean]>([
    ['SYN-SENT', 'SYN-SENT', false],
    ['SYN-RECEIVED', 'SYN-RECEIVED', false],
    ['ESTABLISHED', 'FIN-WAIT-1', true],
    ['CLOSE-WAIT', 'LAST-ACK', true],
  ])('in %s queues a FIN; then %s', (before, after, isSent) => {
    const { connection, tcb, host } = scene(before);
    tcb.wantsWritable = true;
    connection.shutdown();
    expect(connection.state).toBe(after);
    expect(tcb.sender.finQueued).toBe(true);
    expect(tcb.wantsWritable).toBe(false);
    expect(host.asked).toEqual(isSent ? ['enqueue'] : []);
  });

  it.each(['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'LAST-ACK', 'TIME-WAIT', 'CLOSED'] as const)(
    'in %s does nothing',
    (state) => {
      const { connection, tcb, host } = scene(state);
      connection.shutdown();
      expect(connection.state).toBe(state);
      expect(tcb.sender.finQueued).toBe(false);
      expect(host.asked).toEqual([]);
    },
  );

  it('has no effect a second time', () => {
    const { connection, tcb, host } = scene('SYN-SENT');
    connection.shutdown();
    tcb.state = 'ESTABLISHED';
    connection.shutdown();
    expect(connection.state).toBe('ESTABLISHED');
    expect(host.asked).toEqual([]);
  });
});

describe('ABORT (RFC 9293 3.10.5)', () => {
  it.each(STATES)('in %s sends RST if the peer knows the connection', (state) => {
    const { connection, tcb, host, calls } = scene(state);
    tcb.sender.sndNxt = OUR_ISS + 77;
    connection.abort(NOW);
    const isSent = !['SYN-SENT', 'TIME-WAIT', 'CLOSED'].includes(state);
    expect(host.queued).toHaveLength(isSent ? 1 : 0);
    if (isSent) {
      expect([...host.queued[0]!.subarray(24, 28)]).toEqual(long(OUR_ISS + 77));
      expect(host.queued[0]![33]).toBe(RST | ACK);
      expect(host.queued[0]).toHaveLength(tcb.timestamps ? 52 : 40);
    }
    expect(connection.state).toBe('CLOSED');
    expect(calls).toEqual(state === 'CLOSED' ? [] : ['closed:aborted']);
    expect(host.asked).toEqual(state === 'CLOSED' ? [] : ['remove']);
  });
});

describe('keepalive (RFC 9293 3.8.4)', () => {
  const keepAlive = { idle: 5_000, interval: 100, count: 3 };

  it('starts with the idle time, and restarts', () => {
    const { connection, tcb, host } = scene('ESTABLISHED');
    tcb.keepAliveProbes = 2;
    connection.setKeepAlive(keepAlive, NOW);
    expect(tcb).toMatchObject({ keepAlive, keepAliveProbes: 0, keepAliveAt: NOW + 5_000 });
    expect(tcb.deadline).toBe(NOW + 5_000);
    expect(host.asked).toEqual(['reschedule']);
    connection.setKeepAlive(undefined, NOW);
    expect(tcb).toMatchObject({ keepAlive: undefined, keepAliveAt: Infinity, deadline: Infinity });
  });

  it.each(['SYN-SENT', 'SYN-RECEIVED'] as const)('waits in %s for the handshake', (state) => {
    const { connection, tcb } = scene(state);
    connection.setKeepAlive(keepAlive, NOW);
    expect(tcb).toMatchObject({ keepAlive, keepAliveAt: Infinity });
  });

  it.each(['TIME-WAIT', 'CLOSED'] as const)('has no effect in %s', (state) => {
    const { connection, tcb, host } = scene(state);
    connection.setKeepAlive(keepAlive, NOW);
    expect(tcb).toMatchObject({ keepAlive: undefined, keepAliveAt: Infinity });
    expect(host.asked).toEqual([]);
  });
});

describe('the statistics', () => {
  it('report a connection with 2964 of 5000 octets in flight and a handshake of 100 ms (tcp_info)', () => {
    const h = new Harness({ mtu: 1040 });
    h.establish({ wnd: 750, syn: [...SACK_TIMESTAMPS_SYN, ...SCALE_OPTION(2)], rtt: 100 });
    h.receives({ flags: ACK, wnd: 750, options: [] });
    h.connection.send(new Uint8Array(5_000));
    h.sends();
    expect(h.connection.info()).toMatchObject({
      state: 'ESTABLISHED',
      congestion: 'reno',
      sack: true,
      timestamps: true,
      sndShift: 2,
      srtt: 100,
      rttvar: 50,
      minRtt: 100,
      rto: 300,
      backoff: 0,
      ssthresh: Infinity,
      mss: 988,
      sndWnd: 3_000,
      cwnd: 9_880,
      pacingRate: Infinity,
      // Three full segments; the remaining 36 octets of the window are not a segment.
      inflight: 2_964,
      unacknowledged: 2_964,
      notSent: 2_036,
      rcvShift: 8,
      rcvWnd: 0xffff,
      delivered: 0,
      lost: 0,
      retransmits: 0,
      inRecovery: false,
      reordering: false,
      appLimited: true,
    });
  });

  it('have no round trip before the first sample', () => {
    const { connection } = scene('SYN-SENT');
    expect(connection.info()).toMatchObject({ srtt: 0, minRtt: 0 });
  });
});

it('can delay small segments, or send waiting ones at once', () => {
  const { connection, tcb, host } = scene('ESTABLISHED');
  connection.setNoDelay(false);
  expect(tcb.sender.noDelay).toBe(false);
  connection.setNoDelay(true);
  expect(tcb.sender.noDelay).toBe(true);
  expect(host.asked).toEqual(['enqueue', 'enqueue']);
});
