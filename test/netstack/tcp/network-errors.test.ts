/** The effect of ICMP on a connection, mainly path MTU discovery: RFC 1191 6.4, RFC 8201 5.4. */
import type { TcpConnection } from '../../../src/netstack/tcp/connection.js';
import {
  destinationUnreachable,
  isInFlight,
  pathMtuChanged,
} from '../../../src/netstack/tcp/network-errors.js';
import type { TcpState } from '../../../src/netstack/tcp/state.js';
import {
  connectPair,
  ip,
  LEFT_ADDRESS,
  NetstackPair,
  patternBytes,
  RIGHT_ADDRESS,
} from '../../support/pairs/netstack-pair.js';
import { ICMP, icmp, ICMPV6, icmpv6, PEER_V4, v4, v6, word } from '../packets.js';
import { LIVE_STATES } from '../tcp-harness.js';
import { loneTcb, notingObserver, NOW, OUR_ISS, OUR_MSS, PEER_ISS } from './lone-tcb.js';

const LEFT_V6 = ip('fd00::1');
const RIGHT_V6 = ip('fd00::2');

/** A pair whose path from left to right has the MTU `mtu`, and reports it for larger packets. */
class NarrowPair {
  readonly pair: NetstackPair;
  mtu: number;
  /** The number of errors sent. */
  told = 0;
  readonly #errors: Uint8Array[] = [];

  constructor(isIpv6: boolean, mtu: number) {
    this.mtu = mtu;
    this.pair = new NetstackPair(isIpv6 ? { addresses: { left: LEFT_V6, right: RIGHT_V6 } } : {});
    const ends = isIpv6
      ? { from: ip('fd00::99'), to: LEFT_V6 }
      : { from: ip('10.0.0.99'), to: LEFT_ADDRESS };
    this.pair.drop = (packet, from) => {
      if (from !== 'left' || packet.length <= this.mtu) return false;
      this.told++;
      const rest = [0, 0, ...word(this.mtu), ...packet.subarray(0, 500)];
      this.#errors.push(
        isIpv6 ? v6(ICMPV6, icmpv6(2, 0, rest, ends), ends) : v4(ICMP, icmp(3, 4, rest), ends),
      );
      return true;
    };
  }

  /** Runs in steps of 5 ms; errors arrive after each step. */
  run(limit: number, done: () => boolean = () => false): void {
    const end = this.pair.now + limit;
    while (this.pair.now < end && !done()) {
      this.pair.run(Math.min(5, end - this.pair.now));
      for (const error of this.#errors.splice(0)) this.pair.left.handlePacket(error, this.pair.now);
    }
  }
}

const mssOf = (connection: TcpConnection) => connection.info().mss;

describe.each([
  ['IPv4', false, 40],
  ['IPv6', true, 60],
])('%s', (_, isIpv6, headers) => {
  it('continues over a path with a small MTU, and probes the larger one after ten minutes (RFC 1191 3, RFC 1191 6.3, RFC 1191 6.3b)', () => {
    const path = new NarrowPair(isIpv6, 1300);
    const { pair } = path;
    const { client, server } = connectPair(pair);
    const data = patternBytes(100_000);
    client.send(data);
    path.run(2_000);
    expect(server.bytes).toEqual(data);
    expect(path.told).toBeGreaterThan(0);
    // Timestamps take twelve bytes.
    expect(mssOf(client.connection)).toBe(1300 - headers - 12);
    // A new connection uses the known path MTU.
    const { client: second } = connectPair(pair, 81);
    expect(mssOf(second.connection)).toBe(1300 - headers - 12);
    path.mtu = 1420;
    path.told = 0;
    pair.run(600_000);
    expect(mssOf(client.connection)).toBe(1420 - headers - 12);
    client.send(data);
    path.run(2_000);
    expect(server.receivedLength).toBe(200_000);
    expect(path.told).toBe(0);
    expect(pair.left.nextTimeout()).toBe(Infinity);
  });

  it('informs all connections to the destination at once, and resends what was lost (MUST-54, RFC 1191 6.4, RFC 8201 5.4)', () => {
    const path = new NarrowPair(isIpv6, 1420);
    const { pair } = path;
    const [first, second] = [connectPair(pair, 80), connectPair(pair, 81)];
    const data = patternBytes(20_000);
    path.mtu = 1300;
    const before = pair.now;
    first.client.send(data);
    second.client.send(data);
    const isDone = () =>
      [first, second].every(({ server }) => server.receivedLength === data.length);
    path.run(5_000, isDone);
    expect(first.server.bytes).toEqual(data);
    expect(second.server.bytes).toEqual(data);
    // No connection waited for a retransmission timeout.
    expect(pair.now - before).toBeLessThan(190);
  });

  it('uses a smaller path MTU that UDP discovered (RFC 8201 5.2b)', () => {
    const path = new NarrowPair(isIpv6, 1420);
    const { client } = connectPair(path.pair);
    path.mtu = 1300;
    const remote = { address: isIpv6 ? RIGHT_V6 : RIGHT_ADDRESS, port: 9 };
    const socket = path.pair.left.connectUdp(remote, () => undefined);
    expect(socket.send(new Uint8Array(1340))).toBe(true);
    path.run(100);
    expect(path.told).toBe(1);
    expect(mssOf(client.connection)).toBe(1300 - headers - 12);
  });
});

it.each([
  [-1, false],
  [0, true],
  [99, true],
  [100, false],
])(
  'trusts a quoted number %d above SND.UNA, with 100 in flight: %s (RFC 5927 4.1)',
  (above, expected) => {
    for (const sndUna of [1_000, -50, 0x7fff_fff0]) {
      const { tcb } = loneTcb('ESTABLISHED');
      Object.assign(tcb.sender, { sndUna, sndNxt: (sndUna + 100) | 0 });
      expect(isInFlight(tcb, (sndUna + above) | 0)).toBe(expected);
    }
  },
);

it.each(LIVE_STATES)('an unreachable destination ends only SYN-SENT: %s', (state) => {
  const { tcb, host } = loneTcb(state);
  const calls: string[] = [];
  tcb.observer = notingObserver(calls);
  destinationUnreachable(tcb, NOW);
  const ends = state === 'SYN-SENT';
  expect(tcb.state).toBe(ends ? 'CLOSED' : state);
  expect(calls).toEqual(ends ? ['closed:unreachable'] : []);
  expect(host.asked).toEqual(ends ? ['remove'] : []);
});

describe('a changed path MTU', () => {
  /** The effect on a connection with a full segment in flight. */
  function taken(state: TcpState, before: number, after: number) {
    const { tcb, host } = loneTcb(state);
    const { sender } = tcb;
    Object.assign(tcb, { timestamps: false, peerMss: OUR_MSS });
    sender.setMss(before);
    sender.acknowledgeSyn(-1, NOW);
    sender.updateWindow(5_000, PEER_ISS + 1, OUR_ISS + 1);
    sender.ring.write(new Uint8Array(before));
    expect(sender.next.choose(NOW)).toBe(true);
    sender.sent(NOW);
    host.outbound.paths.learn(PEER_V4, after + 40, 1_040, NOW);
    pathMtuChanged(tcb, NOW);
    const { mss, segments } = sender;
    return { mss, lost: segments.lostCount > 0, isReady: host.asked.includes('enqueue') };
  }

  it.each<[string, TcpState, number, number, ReturnType<typeof taken>]>([
    ['narrower', 'ESTABLISHED', 1_000, 800, { mss: 800, lost: true, isReady: true }],
    ['narrower', 'LAST-ACK', 1_000, 800, { mss: 800, lost: true, isReady: true }],
    ['the same', 'ESTABLISHED', 800, 800, { mss: 800, lost: false, isReady: false }],
    ['wider', 'ESTABLISHED', 600, 800, { mss: 800, lost: false, isReady: false }],
    ['narrower', 'SYN-RECEIVED', 1_000, 800, { mss: 800, lost: false, isReady: false }],
    ['narrower', 'TIME-WAIT', 1_000, 800, { mss: 1_000, lost: false, isReady: false }],
    ['narrower', 'CLOSED', 1_000, 800, { mss: 1_000, lost: false, isReady: false }],
  ])('%s is handled in %s as specified (RFC 1191 6.4)', (_, state, before, after, expected) => {
    expect(taken(state, before, after)).toEqual(expected);
  });
});
