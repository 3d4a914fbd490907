/** Opens, limits and closing; turns and timers have their own test files. */
import type { Segment } from '../../../src/netstack/tcp/segment.js';
import { silentObserver } from '../../support/fakes/silent-observer.js';
import { addressKey } from '../../../src/wire/ip-address.js';
import { PEER_V4 } from '../packets.js';
import { ACK, FIN, MSS_OPTION, RST, SYN } from '../tcp-harness.js';
import { LoneLayer, type Opened, OUR_SECOND_V4 } from './lone-layer.js';
import { PEER_ISS } from './lone-tcb.js';

const portsOf = (segments: readonly Segment[]) => segments.map((each) => each.destinationPort);
const flagsOf = (segments: readonly Segment[]) => segments.map(({ flags }) => flags);

/** The connection goes through FIN-WAIT to TIME-WAIT. */
function closeInOrder(net: LoneLayer, opened: Opened): void {
  opened.connection.shutdown();
  net.sends();
  net.peerSends(opened, { flags: FIN | ACK, ack: opened.iss + 2 });
  net.sends();
  expect(opened.connection.state).toBe('TIME-WAIT');
}

describe('an active open (RFC 9293 3.10.1)', () => {
  it('copies the caller’s arrays', () => {
    const net = new LoneLayer();
    const address = PEER_V4.slice();
    const { connection } = net.open({}, 80, address);
    address.fill(0);
    expect(connection.remote).toEqual({ address: PEER_V4, port: 80 });
    const [syn] = net.sends();
    expect([...syn!.bytes.subarray(16, 20)]).toEqual([...PEER_V4]);
  });

  it('is found by its ends until it has ended', () => {
    const net = new LoneLayer();
    const { connection } = net.open();
    const find = (index: number) => net.layer.find(index, connection.local.port, connection.remote);
    expect(find(0)?.remote).toBe(connection.remote);
    expect(find(1)).toBeUndefined();
    connection.abort(net.now);
    expect(find(0)).toBeUndefined();
  });
});

describe('a passive open', () => {
  const syn = (port: number) => ({ flags: SYN, ports: [port, 8080] as const });

  it('at one address does not accept connections to another', () => {
    const net = new LoneLayer();
    net.layer.listen({ address: OUR_SECOND_V4, port: 8080 }, () => silentObserver, {});
    net.receives(syn(1));
    expect(flagsOf(net.sends())).toEqual([RST | ACK]);
    net.receives(syn(1), PEER_V4, OUR_SECOND_V4);
    expect(flagsOf(net.sends())).toEqual([SYN | ACK]);
  });
});

describe('limits', () => {
  it('do not count connections in TIME-WAIT', () => {
    const net = new LoneLayer({ connections: 1 });
    closeInOrder(net, net.establish());
    expect(net.layer).toMatchObject({ connections: 0, timeWaits: 1, isFull: false });
    net.open();
    expect(net.layer).toMatchObject({ connections: 1, timeWaits: 1, isFull: true });
  });

  it('allow 100 challenges per second for all connections (RFC 5961 7)', () => {
    const net = new LoneLayer();
    const opened = [81, 82].map((port) => net.establish({}, port));
    for (let count = 0; count < 60; count++) {
      for (const each of opened) net.peerSends(each, { flags: RST, seq: PEER_ISS + 100 });
    }
    expect(net.drops.of('challenge-rate')).toBe(20);
    net.after(100);
    for (let count = 0; count < 11; count++) {
      net.peerSends(opened[0]!, { flags: RST, seq: PEER_ISS + 100 });
    }
    expect(net.drops.of('challenge-rate')).toBe(21);
  });
});

describe('congestion control', () => {
  it.each(['bbr', 'cubic', 'reno'] as const)('is %s if the stack selects it', (algorithm) => {
    const { connection } = new LoneLayer({}, algorithm).open();
    expect(connection.info().congestion).toBe(algorithm);
  });

  it('knows the initial MSS of the connection', () => {
    expect(new LoneLayer().layer.createCongestionControl(500, 0).cwnd).toBe(5_000);
  });
});

it('informs only connections to an address of its changed path MTU', () => {
  const net = new LoneLayer();
  const other = Uint8Array.of(10, 0, 0, 3);
  const [first, second] = [net.establish({}, 81), net.establish({}, 82)];
  const elsewhere = net.establish({}, 81, other);
  const mssOf = () => [first, second, elsewhere].map(({ connection }) => connection.info().mss);
  expect(mssOf()).toEqual([1_000, 1_000, 1_000]);
  for (const address of [PEER_V4, other]) net.outbound.paths.learn(address, 800, 1_040, net.now);
  net.layer.pathMtuChanged(addressKey(PEER_V4), net.now);
  expect(mssOf()).toEqual([760, 760, 1_000]);
});

it('resets all connections on close, and stops listening', () => {
  const net = new LoneLayer();
  const [established, opening] = [net.establish({}, 81), net.connect({}, 82)];
  const resets: Segment[] = [];
  net.layer.listen({ port: 8080 }, () => silentObserver, {});
  net.receives({ flags: SYN, ports: [9, 8080], options: MSS_OPTION(1_000) });
  net.sends();
  net.layer.close(net.now);
  resets.push(...net.sends());
  // SYN-SENT ends silently (RFC 9293 3.10.5).
  expect(flagsOf(resets)).toEqual([RST | ACK, RST | ACK]);
  expect(portsOf(resets).sort()).toEqual([81, 9]);
  expect(established.calls).toEqual(['established', 'closed:aborted']);
  expect(opening.calls).toEqual(['closed:aborted']);
  expect(net.layer).toMatchObject({ connections: 0, timeWaits: 0, hasReady: false });
  expect(net.layer.listeners.size).toBe(0);
  expect(net.layer.budget.used).toBe(0);
});
