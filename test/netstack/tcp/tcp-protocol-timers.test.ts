/** Which connection is due, and when: deadlines of handshakes, idle peers and broken paths. */
import type { IpAddress } from '../../../src/wire/ip-address.js';
import { silentObserver } from '../../support/fakes/silent-observer.js';
import { PEER_V4 } from '../packets.js';
import { ACK, Harness, PEER_ADDRESS, RST, SYN } from '../tcp-harness.js';
import { LoneLayer } from './lone-layer.js';
import { NOW } from './lone-tcb.js';

const RTO = 1_000;
const KEEP_ALIVE = { idle: 10_000, interval: 1_000, count: 3 };
const OTHER_PEER = Uint8Array.of(10, 0, 0, 3);

describe('a handshake', () => {
  it.each([
    ['the stack’s limit', { connectTimeout: 700 }, {}, 700],
    ['its own limit', { connectTimeout: 700 }, { connectTimeout: 300 }, 300],
    ['20 s by default', {}, {}, 20_000],
  ])('of the local side is abandoned at %s (RFC 9293 3.8.3)', (_, limits, options, timeout) => {
    const net = new LoneLayer(limits);
    const { calls } = net.open(options);
    net.after(timeout - 1).sends();
    expect(calls).toEqual([]);
    net.after(1);
    expect(calls).toEqual(['closed:timeout']);
    expect(net.layer.connections).toBe(0);
  });

  it('of the peer is abandoned at the stack’s limit', () => {
    const net = new LoneLayer({ connectTimeout: 700 });
    net.layer.listen({ port: 8080 }, () => silentObserver, {});
    net.receives({ flags: SYN, ports: [9, 8080] });
    net.after(699).sends();
    expect(net.layer.connections).toBe(1);
    net.after(1);
    expect(net.layer.connections).toBe(0);
  });

  it('has its deadline from the start, before the SYN is sent', () => {
    const net = new LoneLayer({ connectTimeout: 700 });
    net.open();
    expect(net.layer.nextTimeout()).toBe(NOW + 700);
    net.open({ connectTimeout: 300 });
    expect(net.layer.nextTimeout()).toBe(NOW + 300);
  });
});

it('reports a missed answer, but no other timer that is due', () => {
  const net = new LoneLayer();
  net.establish({ keepAlive: KEEP_ALIVE });
  net.after(KEEP_ALIVE.idle).sends();
  expect(net.layer.timedOutAt).toBe(-Infinity);
  net.connect();
  net.after(RTO - 1);
  expect(net.layer.timedOutAt).toBe(-Infinity);
  net.after(1);
  expect(net.layer.timedOutAt).toBe(NOW + KEEP_ALIVE.idle + RTO);
  net.after(1);
  expect(net.layer.timedOutAt).toBe(NOW + KEEP_ALIVE.idle + RTO);
});

it('accepts keepalive options at open (RFC 9293 3.8.4)', () => {
  const net = new LoneLayer();
  net.establish();
  expect(net.layer.nextTimeout()).toBe(Infinity);
  net.establish({ keepAlive: KEEP_ALIVE }, 81);
  expect(net.layer.nextTimeout()).toBe(NOW + 10_000);
  expect(net.after(10_000).sends()).toMatchObject([{ destinationPort: 81, flags: ACK }]);
});

describe('due work', () => {
  it('is done in order of its deadlines, over all connections', () => {
    const net = new LoneLayer();
    const [late, early] = [8_000, 5_000].map((connectTimeout) => net.open({ connectTimeout }));
    expect(net.layer.nextTimeout()).toBe(NOW + 5_000);
    early!.connection.abort(net.now);
    expect(net.layer.nextTimeout()).toBe(NOW + 8_000);
    late!.connection.abort(net.now);
    expect(net.layer.nextTimeout()).toBe(Infinity);
  });

  it('is done only for connections whose deadline has passed', () => {
    const net = new LoneLayer();
    const calls = [100, 200, 200, 300].map((connectTimeout) => net.open({ connectTimeout }).calls);
    net.after(200);
    const isDone = calls.map((each) => each.length > 0);
    expect(isDone).toEqual([true, true, true, false]);
    expect(net.layer.nextTimeout()).toBe(NOW + 300);
  });

  it('is not done before its deadline', () => {
    const net = new LoneLayer();
    net.connect();
    expect(net.after(RTO - 1).sends()).toEqual([]);
    expect(net.after(1).sends()).toMatchObject([{ flags: SYN }]);
  });

  it('is not done for a connection that has ended', () => {
    const net = new LoneLayer();
    const opened = net.connect();
    net.peerSends(opened, { flags: RST | ACK });
    expect(opened.calls).toEqual(['closed:refused']);
    expect(net.layer.nextTimeout()).toBe(Infinity);
    expect(net.after(60_000).sends()).toEqual([]);
    expect(opened.calls).toHaveLength(1);
  });
});

describe('a path that works again (RFC 6069)', () => {
  const everywhere = () => true;

  it('gets a retransmitted SYN at once, and the next one 4 s later', () => {
    const h = new Harness();
    h.connect();
    h.after(1000).sends();
    h.after(2000).sends();
    h.after(80).stack.retransmitNow(everywhere, h.now);
    expect(h.stack.nextTimeout()).toBe(h.now);
    expect(h.after(0).sends()).toMatchObject([{ flags: 'SYN', seq: 0 }]);
    // RFC 6298 would wait for 16 s; one step of the backoff remains, and this timeout adds another.
    expect(h.after(3999).sends()).toEqual([]);
    expect(h.after(1).sends()).toMatchObject([{ flags: 'SYN', seq: 0 }]);
  });

  it('does not get data that never timed out or is acknowledged', () => {
    const h = new Harness().establish();
    h.connection.send(new Uint8Array(10));
    h.sends();
    h.after(100).stack.retransmitNow(everywhere, h.now);
    expect(h.after(0).sendsBriefly()).toEqual([]);
    h.after(1000).sends();
    h.after(2000).sends();
    // An ambiguous acknowledgment removes one of two backoff steps.
    h.receives({ flags: ACK, seq: 1, ack: 11 }).sends();
    h.stack.retransmitNow(everywhere, h.now);
    expect(h.stack.nextTimeout()).toBe(Infinity);
  });

  it('does not affect other paths', () => {
    const h = new Harness();
    h.connect();
    h.after(1000).sends();
    const asked: Uint8Array[] = [];
    h.stack.retransmitNow((remote) => asked.push(remote) < 0, h.now);
    expect(asked).toEqual([PEER_ADDRESS]);
    expect(h.stack.nextTimeout()).toBe(h.now + 2000);
  });

  it('is identified by the remote address', () => {
    const net = new LoneLayer();
    for (const address of [PEER_V4, OTHER_PEER]) net.connect({}, 80, address);
    net.after(RTO).sends();
    const asked: IpAddress[] = [];
    net.layer.retransmitNow((remote) => {
      asked.push(remote);
      return remote[3] === OTHER_PEER[3];
    }, net.now);
    expect(asked).toEqual([PEER_V4, OTHER_PEER]);
    expect(net.layer.nextTimeout()).toBe(net.now);
    const again = net.after(0).sends();
    expect(again.map(({ bytes }) => [...bytes.subarray(16, 20)])).toEqual([[...OTHER_PEER]]);
  });

  it('does not postpone earlier deadlines', () => {
    const net = new LoneLayer();
    net.connect();
    net.after(RTO).sends();
    const dueAt = net.layer.nextTimeout();
    net.layer.retransmitNow(everywhere, dueAt + 500);
    expect(net.layer.nextTimeout()).toBe(dueAt);
  });
});
