import {
  applyPathMtu,
  becomeEstablished,
  echoedRtt,
  synchronize,
  synchronizeByCookie,
} from '../../../../src/netstack/tcp/open/handshake.js';
import type { Tcb, TcbOptions } from '../../../../src/netstack/tcp/tcb.js';
import { patternBytes } from '../../../support/pairs/netstack-pair.js';
import { OUR_V6, PEER_V4, PEER_V6 } from '../../packets.js';
import {
  ACK,
  Harness,
  MSS_OPTION,
  SACK_PERMITTED_OPTION,
  SCALE_OPTION,
  SYN,
  TIMESTAMPS_OPTION,
} from '../../tcp-harness.js';
import { loneTcb, NOW, OUR_ISS, OUR_MSS, PEER_ISS, segmentOf } from '../lone-tcb.js';

const ALL_OPTIONS = [
  ...MSS_OPTION(900),
  ...SCALE_OPTION(7),
  ...SACK_PERMITTED_OPTION,
  1,
  1,
  ...TIMESTAMPS_OPTION(77, 0),
];
const TIMESTAMPS_LENGTH = 12;

/** The state after a SYN of the peer with these options. */
function synchronized(options: readonly number[], tcbOptions: Partial<TcbOptions> = {}): Tcb {
  const { tcb } = loneTcb('SYN-SENT', tcbOptions);
  synchronize(tcb, segmentOf({ flags: SYN, options }), NOW);
  return tcb;
}

describe("the peer's SYN", () => {
  it('sets IRS, RCV.NXT (RFC 9293 3.10.7.3), and the window that the local SYN offers', () => {
    const { receiver } = synchronized([]);
    expect(receiver).toMatchObject({ irs: PEER_ISS, rcvNxt: PEER_ISS + 1, rcvWnd: 0xffff });
  });

  it('enables the options that both sides offered', () => {
    const tcb = synchronized(ALL_OPTIONS);
    expect(tcb).toMatchObject({
      timestamps: true,
      tsRecent: 77,
      tsRecentAt: NOW,
      windowScale: true,
      sack: true,
      peerMss: 900,
    });
    // A receive buffer of 128 KiB needs a shift of two (RFC 7323 2.3).
    expect(tcb.sender).toMatchObject({ shift: 7, usesSack: true, mss: 900 - TIMESTAMPS_LENGTH });
    expect(tcb.receiver).toMatchObject({ shift: 2, usesSack: true });
  });

  it('disables the options that it does not offer (RFC 7323 2.3, RFC 2018 2)', () => {
    const tcb = synchronized(MSS_OPTION(900));
    expect(tcb).toMatchObject({ timestamps: false, tsRecent: 0, tsRecentAt: 0 });
    expect(tcb).toMatchObject({ windowScale: false, sack: false });
    expect(tcb.sender).toMatchObject({ shift: 0, usesSack: false, mss: 900 });
    expect(tcb.receiver).toMatchObject({ shift: 0, usesSack: false });
  });

  it('enables scaling with a shift of 0', () => {
    const tcb = synchronized(SCALE_OPTION(0));
    expect(tcb.windowScale).toBe(true);
    expect([tcb.sender.shift, tcb.receiver.shift]).toEqual([0, 2]);
  });

  it.each<[string, number, Partial<TcbOptions>]>([
    ['IPv4', 536, {}],
    ['IPv6', 980, { local: { address: OUR_V6, port: 1 }, remote: { address: PEER_V6, port: 80 } }],
  ])('without MSS implies the default of %s, if it fits (MUST-15)', (_, mss, options) => {
    const tcb = synchronized([], options);
    expect(tcb.peerMss).toBe(options.remote === undefined ? 536 : 1220);
    expect(tcb.sender.mss).toBe(mss);
  });
});

it('takes only IRS and MSS from a cookie, because the local SYN was sent', () => {
  const { tcb } = loneTcb('SYN-RECEIVED');
  Object.assign(tcb.sender, { synDue: true, sndNxt: OUR_ISS });
  synchronizeByCookie(tcb, PEER_ISS, 700);
  expect(tcb).toMatchObject({ timestamps: false, windowScale: false, sack: false, peerMss: 700 });
  expect(tcb.receiver).toMatchObject({ rcvNxt: PEER_ISS + 1, rcvWnd: 0xffff, shift: 0 });
  expect(tcb.sender).toMatchObject({ mss: 700, synDue: false, sndNxt: OUR_ISS + 1 });
});

describe('Eff.snd.MSS (RFC 9293 3.7.1)', () => {
  it.each([
    ["the peer's", 900, undefined, 900],
    ['ours', 1460, undefined, OUR_MSS],
    ["the path's", 900, 800, 760],
  ])('is %s if that is the smallest', (_, peerMss, pathMtu, expected) => {
    const { tcb, host } = loneTcb('SYN-SENT');
    tcb.timestamps = false;
    tcb.peerMss = peerMss;
    if (pathMtu !== undefined) host.outbound.paths.learn(PEER_V4, pathMtu, 1040, NOW);
    applyPathMtu(tcb);
    expect(tcb.sender.mss).toBe(expected);
    tcb.timestamps = true;
    applyPathMtu(tcb);
    expect(tcb.sender.mss).toBe(expected - TIMESTAMPS_LENGTH);
  });
});

describe('the end of the handshake', () => {
  function established(prepare: (tcb: Tcb) => void = () => undefined, seq = PEER_ISS + 1): Tcb {
    const tcb = synchronized(SCALE_OPTION(2));
    Object.assign(tcb, { endOfStateAt: 1, retransmitAt: 1 });
    prepare(tcb);
    const flags = seq === PEER_ISS ? SYN | ACK : ACK;
    becomeEstablished(tcb, segmentOf({ flags, seq, ack: OUR_ISS + 1, wnd: 500 }), NOW + 5);
    return tcb;
  }

  it('enters FIN-WAIT-1 if the user has closed (RFC 9293 3.10.4)', () => {
    const tcb = established(({ sender }) => (sender.finQueued = true));
    expect(tcb.state).toBe('FIN-WAIT-1');
  });

  it('sets the window, SND.WL1 and SND.WL2, scaled except for a SYN (RFC 7323 2.2)', () => {
    const sender = { sndWl1: PEER_ISS + 1, sndWl2: OUR_ISS + 1, sndWnd: 2_000 };
    expect(established().sender).toMatchObject(sender);
    expect(established(undefined, PEER_ISS).sender).toMatchObject({
      sndWl1: PEER_ISS,
      sndWnd: 500,
    });
  });

  it('starts keepalive, and frees a place in the backlog', () => {
    const left: Tcb[] = [];
    const tcb = established((block) => {
      block.keepAlive = { idle: 1_000, interval: 1, count: 1 };
      block.acceptor = {
        accept: () => {
          throw new Error('that is for later');
        },
        leaveBacklog: (gone) => void left.push(gone),
      };
    });
    expect(tcb.keepAliveAt).toBe(NOW + 1_005);
    expect(left).toHaveLength(1);
    expect(left[0]).toBe(tcb);
  });
});

describe('the round trip of an echoed timestamp', () => {
  function echo(tsEcr: number, options = TIMESTAMPS_OPTION(1, tsEcr)): number {
    const tcb = synchronized(ALL_OPTIONS, { userTimeout: 2_000 });
    return echoedRtt(tcb, segmentOf({ flags: ACK, options }), NOW + 0.5);
  }

  it.each([
    [0, 0],
    [30, 30],
    [4_000, 4_000],
    [4_001, -1],
    [-2, -1],
  ])('from %d ms ago is %d', (age, expected) => {
    expect(echo(NOW - age)).toBe(expected);
  });

  it('is undefined without timestamps', () => {
    expect(echo(0, [])).toBe(-1);
    const { tcb } = loneTcb('ESTABLISHED');
    tcb.timestamps = false;
    const segment = segmentOf({ flags: ACK, options: TIMESTAMPS_OPTION(1, NOW) });
    expect(echoedRtt(tcb, segment, NOW)).toBe(-1);
  });
});

/** The segments of the first flight after `losses` lost SYNs. */
function firstFlight(losses: number): number {
  const h = new Harness();
  h.connect();
  for (let lost = 0; lost < losses; lost++) h.after(1000 * 2 ** lost).sends();
  h.receives({ flags: SYN | ACK, seq: 0, ack: 1, options: MSS_OPTION(1000) });
  h.connection.send(patternBytes(30_000));
  return h.sends().filter(({ len }) => len > 0).length;
}

it.each([
  [0, 10],
  [1, 10],
  [2, 1],
  [3, 1],
])(
  'sets the initial window after %d lost SYNs to %d (RFC 5681 3.1b, RFC 6928 2b)',
  (losses, segments) => {
    expect(firstFlight(losses)).toBe(segments);
  },
);

it('sets the initial window to one segment if the SYN-ACK was lost twice', () => {
  const h = new Harness();
  h.listen();
  h.after(1000).sends();
  h.after(2000).sends();
  h.receives({ flags: ACK, seq: 1, ack: 1 });
  h.connection.send(patternBytes(30_000));
  expect(h.sends().filter(({ len }) => len > 0)).toHaveLength(1);
});

describe('an option that the SYNs did not negotiate', () => {
  it('is ignored if it changes the scale (RFC 7323 2.2b)', () => {
    const h = new Harness().establish({
      syn: [...MSS_OPTION(1000), ...SCALE_OPTION(2)],
      wnd: 1000,
    });
    h.receives({ flags: ACK, wnd: 500, options: SCALE_OPTION(7) });
    expect(h.connection.info()).toMatchObject({ sndShift: 2, sndWnd: 2000 });
  });

  it('is ignored if it is a timestamp, and its segment is accepted (RFC 7323 3.2c)', () => {
    const h = new Harness().establish();
    h.receives({ flags: ACK, data: 10, options: TIMESTAMPS_OPTION(9, 9) });
    h.receives({ flags: ACK, seq: 11, data: 10, options: TIMESTAMPS_OPTION(3, 9) });
    expect(h.events).toContain('readable');
    const [answer] = h.after(500).sends();
    expect(answer).toMatchObject({ flags: 'ACK', ack: 21 });
    expect(answer!.options.hasTimestamps).toBe(false);
  });
});

it('does not echo a timestamp in a SYN without ACK (RFC 7323 3.2d)', () => {
  expect(new Harness().connect().options).toMatchObject({ hasTimestamps: true, tsEcr: 0 });
});
